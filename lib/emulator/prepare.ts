import { join } from "node:path";
import { type Bench, copyImage, type Disk, putOnP1, runTool, takeFromP1 } from "./disk.ts";
import {
  bootFiles,
  dumpDeviceTreeCommand,
  extraArgumentsCommand,
  kernelArguments,
  type MachineName,
} from "./machine.ts";

export interface PrepareRequest {
  readonly machine: MachineName;
  readonly image: string;
  readonly identityText: string | undefined;
  /** Whether the node is asked to print its report. */
  readonly report: boolean;
  /** Further kernel arguments. */
  readonly kernelArguments?: string;
}

/** What a machine is started with: the card, and what lies before it. */
export interface Prepared {
  readonly disk: Disk;
  readonly dtb: string;
  readonly firmware: string;
}

/** Copies the image, adds the identity, and makes the device tree. @throws EmulatorError IMAGE */
export async function prepare(bench: Bench, request: PrepareRequest): Promise<Prepared> {
  const disk = await copyImage(bench, request.image);
  if (request.identityText !== undefined) await putOnP1(bench, disk, "identity.yaml", request.identityText);
  const { dtb, firmware } = await boardFiles(bench, disk, request.machine);
  const text = [kernelArguments(request.machine, request.report), request.kernelArguments ?? ""]
    .join(" ")
    .trim();
  if (text !== "") await runTool(bench, extraArgumentsCommand(dtb, text));
  return { disk, dtb, firmware };
}

/** On a Pi, U-Boot and its device tree come from the very image; `virt` brings its own. */
async function boardFiles(bench: Bench, disk: Disk, machine: MachineName) {
  if (machine === "virt") {
    const dtb = join(bench.work, "virt.dtb");
    await runTool(bench, dumpDeviceTreeCommand(dtb));
    return { dtb, firmware: bootFiles.virt.firmware };
  }
  const { dtb, firmware } = bootFiles.raspi3b;
  return { dtb: await takeFromP1(bench, disk, dtb), firmware: await takeFromP1(bench, disk, firmware) };
}
