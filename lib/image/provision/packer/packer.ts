import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { asset, assetsRoot } from "../../../external/assets.ts";
import { ProcessError } from "../../../external/process.ts";
import type { World } from "../../../external/world.ts";
import type { Step } from "../../../progress/reporter.ts";
import { timeouts } from "../../limits.ts";
import type { ToolRun, ToolsTree } from "../../tools/tree.ts";
import { canonicalTarArguments } from "../canonical-tar.ts";
import type { Provisioner, ProvisionRequest } from "../provisioner.ts";
import { carrierBytes, PARTITION_OFFSET, removeCarrier, removeMountPoint } from "./carrier.ts";
import { ansibleEnvironment, packerEnvironment } from "./environment.ts";
import { PackerError } from "./failure.ts";
import type { PackerInstallation } from "./installation.ts";
import { registeredInterpreter } from "./interpreter.ts";
import { type PackerEvent, parsePackerLine } from "./messages.ts";
import { type PackerFailure, packerOutcome } from "./outcome.ts";
import { phaseReporter } from "./phases.ts";

const TEMPLATE = asset("packer", "node.pkr.hcl");
const HOST = asset("lib", "image", "provision", "packer", "host");
/** In memory, seen by one run only. */
const INSIDE = "/run/home-pi";
const SCRATCH = "/tmp/packer";

const mountPoint = (request: ProvisionRequest): string => join(request.work, "root");

/**
 * The values of the template's variables. `interpreter` is the path the kernel knows for arm64 programs;
 * undefined on an arm64 machine, where the base's own Python is a native one.
 */
export function templateVariables(
  request: ProvisionRequest,
  baseBytes: number,
  interpreter: string | undefined,
): Readonly<Record<string, string>> {
  return {
    base_archive: `${INSIDE}/base.tar`,
    base_sha256: request.base.sha256,
    image_path: join(request.work, "carrier.img"),
    image_bytes: String(carrierBytes(baseBytes)),
    mount_path: mountPoint(request),
    playbook: join(request.ansible, "site.yml"),
    vars_file: request.varsFile,
    // Packer runs inside the tools tree, so the tree's root is its own.
    ...(interpreter !== undefined && request.nativePython ? { native_python: "/" } : {}),
    ...(interpreter === undefined ? {} : { qemu_binary: interpreter }),
  };
}

/** The command line of a build. */
export function buildArguments(
  packer: string,
  variables: Readonly<Record<string, string>>,
): [string, ...string[]] {
  const given = Object.entries(variables).flatMap(([name, value]) => ["-var", `${name}=${value}`]);
  return [packer, "-machine-readable", "build", "-on-error=cleanup", "-timestamp-ui", ...given, TEMPLATE];
}

function insideTools(
  request: ProvisionRequest,
  installation: PackerInstallation,
  tools: ToolsTree,
  interpreter: string | undefined,
): Required<ToolRun> {
  const readable = [
    ...[assetsRoot, request.project, request.keys, request.ansible, request.varsFile],
    ...(request.node === undefined ? [] : [request.node]),
    ...installation.needs,
  ];
  const binds = [
    ...readable.map((source) => ({ source, readOnly: true })),
    // The plugin compares files by that path. Which file it is matters to nobody: the kernel holds its own open.
    ...(interpreter === undefined
      ? []
      : [{ source: join(tools.path, "usr/bin/qemu-aarch64"), target: interpreter, readOnly: true }]),
    { source: request.base.path, target: `${INSIDE}/base.tar`, readOnly: true },
    { source: installation.packer, target: `${INSIDE}/bin/packer`, readOnly: true },
    { source: installation.plugins, target: `${INSIDE}/plugins`, readOnly: true },
    { source: HOST, target: `${INSIDE}/host`, readOnly: true },
    { source: request.work },
  ];
  const env = {
    ...packerEnvironment(SCRATCH, `${INSIDE}/plugins`),
    ...ansibleEnvironment(SCRATCH, request.project),
    HOME: "/tmp",
    TMPDIR: "/tmp",
    PATH: `${INSIDE}/host:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    LC_ALL: "C.UTF-8",
    TZ: "UTC",
    SOURCE_DATE_EPOCH: String(request.epoch),
    ...(interpreter === undefined ? { DONT_SETUP_QEMU: "1" } : {}),
  };
  return { binds, env, cwd: dirname(TEMPLATE) };
}

/** The error a failed run becomes; template places, relative to its folder, are made whole. */
function asError(failure: PackerFailure): PackerError {
  const { code, message, hint, place, output } = failure;
  return new PackerError(code, message, {
    fix: hint,
    details: output,
    ...(place === undefined ? {} : { place: { ...place, file: resolve(dirname(TEMPLATE), place.file) } }),
  });
}

async function runPacker(
  request: ProvisionRequest,
  installation: PackerInstallation,
  tools: ToolsTree,
  world: World,
  step: Step,
): Promise<void> {
  const { size } = await stat(request.base.path);
  const interpreter = process.arch === "arm64" ? undefined : await registeredInterpreter();
  const report = phaseReporter(step);
  const events: PackerEvent[] = [];
  const onLine = (line: string): void => {
    const event = parsePackerLine(line);
    if (event === undefined) {
      if (!/^\d{9,11},/.test(line)) step.line(line.slice(0, 2_000));
      return;
    }
    events.push(event);
    report(event);
  };
  const build = buildArguments(`${INSIDE}/bin/packer`, templateVariables(request, size, interpreter));
  const command = tools.command(["sh", `${INSIDE}/host/enter.sh`, ...build], {
    ...insideTools(request, installation, tools, interpreter),
    timeoutMs: timeouts.provision,
    signal: world.signal,
    onLine,
  });
  let ended: ProcessError | undefined;
  try {
    await world.processes.run(command);
  } catch (error) {
    if (!(error instanceof ProcessError) || error.code !== "EXIT") throw error;
    ended = error;
  }
  const killed = ended !== undefined && (ended.exitCode === undefined || ended.exitCode < 0);
  const outcome = packerOutcome(events, { code: killed ? undefined : (ended?.exitCode ?? 0) });
  if (!outcome.ok) throw asError(outcome);
}

/** Packs the image's partition as the tree; it lands by rename. */
async function readOut(
  image: string,
  request: ProvisionRequest,
  tools: ToolsTree,
  world: World,
): Promise<void> {
  const part = `${request.tree}.part`;
  const tar = canonicalTarArguments(request.epoch);
  try {
    await world.processes.run(
      tools.command(["sh", `${INSIDE}/host/read-out.sh`, image, String(PARTITION_OFFSET), part, ...tar], {
        binds: [
          { source: HOST, target: `${INSIDE}/host`, readOnly: true },
          { source: image, readOnly: true },
          { source: dirname(part) },
        ],
        timeoutMs: timeouts.assemble,
        signal: world.signal,
      }),
    );
    await rename(part, request.tree);
  } finally {
    await rm(part, { force: true });
  }
}

/**
 * The builder that lets Packer and its arm plugin do it: base and playbook onto an image, whose root
 * partition is then read out again as the tree. Needs root, loop devices and, unless this machine is arm64,
 * the tools tree's qemu registered for arm64 programs. Throws PackerError, ProcessError.
 */
export function packerProvisioner(installation: PackerInstallation): Provisioner {
  return {
    name: "packer",
    provision: async (request, tools, world, step) => {
      const image = join(request.work, "carrier.img");
      await removeCarrier(image, world);
      await mkdir(dirname(request.tree), { recursive: true });
      try {
        await runPacker(request, installation, tools, world, step);
        step.update("read the tree out", 0.97);
        await readOut(image, request, tools, world);
      } finally {
        await removeCarrier(image, world);
        await removeMountPoint(mountPoint(request));
      }
    },
  };
}
