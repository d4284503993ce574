import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attachConsole } from "../../lib/emulator/attach.ts";
import { type BootOptions, bootImage } from "../../lib/emulator/boot.ts";
import { type Bench, copyImage, listP1, putOnP1, takeFromP1 } from "../../lib/emulator/disk.ts";
import type { Terminal } from "../../lib/external/terminal.ts";
import { sampleReport } from "../unit/emulator/sample-report.ts";
import { makeStandInImage, nodeThatSays } from "./stand-in-image.ts";
import { quietStep, testTools, world } from "./surroundings.ts";

// The emulator around real QEMU, real U-Boot and real tools; only Linux is played by a boot script.
const tools = await testTools();

describe.runIf(tools !== undefined)("the emulator, with U-Boot in the place of Linux", () => {
  let bench: Bench;
  let folder: string;
  beforeAll(async () => {
    if (tools === undefined) throw new Error("no tools");
    folder = await mkdtemp(join(tmpdir(), "emulator-"));
    bench = { tools, world, work: folder };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const boot = (image: string, more: Partial<BootOptions> = {}) => {
    const places = { scratch: join(folder, "scratch"), consoleLog: join(folder, "console.log") };
    const options: BootOptions = { machine: "virt", image, expected: {}, boots: 1, ...places, ...more };
    return bootImage(options, bench.tools, world, quietStep);
  };
  const failedNames = (result: Awaited<ReturnType<typeof boot>>) =>
    result.checks.filter((check) => !check.ok).map((check) => check.name);

  test("two boots of one card: reports are read, the second one must have kept its data", async () => {
    const image = await makeStandInImage(bench, "good", nodeThatSays(sampleReport()));
    const result = await boot(image, { boots: 2 });
    expect(failedNames(result)).toEqual(["boot 2: data partition", "missing on p1"]);
    expect(result.boots.map(({ report, starts }) => [report, starts])).toEqual([
      [sampleReport(), 1],
      [sampleReport(), 1],
    ]);
    const log = await readFile(result.consoleLog, "utf8");
    expect(log.match(/extra arguments: home-pi\.report/g)).toHaveLength(2);
    expect(await readdir(join(folder, "scratch"))).toEqual([]);
  });

  test("a packed image, an identity, and a stranger's look at the card afterwards", async () => {
    const report = { ...sampleReport(), identity: { present: true, keys: 1 } };
    const image = await makeStandInImage(bench, "packed", nodeThatSays(report));
    await world.processes.run(
      bench.tools.command(["zstd", "-q", "-f", image], { binds: [{ source: folder }], timeoutMs: 60_000 }),
    );
    const result = await boot(`${image}.zst`, { identity: { text: "version: 1\n", keys: 1 } });
    expect(failedNames(result)).toEqual(["missing on p1"]);
    // A node reads its identity file and leaves it where a person put it.
    const identity = result.checks.find(({ name }) => name === "identity file on p1");
    expect(identity).toMatchObject({ expected: "present", actual: "present" });
  });

  test("a panic ends the boot with its lines, and leaves nothing behind", async () => {
    const script =
      'echo "Kernel panic - not syncing: Attempted to kill init!"\nwhile true; do sleep 1; done\n';
    const image = await makeStandInImage(bench, "panic", script);
    await expect(boot(image)).rejects.toMatchObject({
      code: "PANIC",
      details: expect.arrayContaining(["Kernel panic - not syncing: Attempted to kill init!"]) as string[],
    });
    expect(await readdir(join(folder, "scratch"))).toEqual([]);
  });

  test("a script that ends leaves U-Boot at its prompt, which is told at once", async () => {
    const image = await makeStandInImage(bench, "prompt", "setenv bootcmd\nexit\n");
    await expect(boot(image)).rejects.toMatchObject({ code: "BOOTLOADER" });
  });

  test("a node that resets by itself before it reports is counted", async () => {
    // One start is remembered on the card, in a sector nothing else uses.
    const script = `virtio dev 0
virtio read 0x40800000 0x40 1
if itest.l *0x40800000 == 0; then
  mw.l 0x40800000 1
  virtio write 0x40800000 0x40 1
  reset
fi
${nodeThatSays(sampleReport())}`;
    const image = await makeStandInImage(bench, "reset", script);
    const result = await boot(image);
    expect(result.boots[0]?.starts).toBe(2);
    expect(failedNames(result)).toContain("restarts by itself");
  });

  test("a person at the serial line types, reads, and leaves with Ctrl-]", async () => {
    const image = await makeStandInImage(bench, "seat", "setenv bootcmd\nexit\n");
    let shown = "";
    let type: (text: string) => void = () => undefined;
    let released = false;
    const terminal: Terminal = {
      write: (chunk) => {
        const before = shown;
        shown += chunk.toString("latin1");
        if (!before.includes("=> ") && shown.includes("=> ")) type(`echo one\${nothing}two\r`);
        if (!before.includes("onetwo") && shown.includes("onetwo")) type("\u001d");
      },
      listen: (onInput) => {
        type = onInput;
        return () => (released = true);
      },
    };
    const places = { scratch: join(folder, "scratch"), consoleLog: join(folder, "seat.log") };
    const options = { machine: "virt" as const, image, identityText: undefined, onReady: () => undefined };
    await attachConsole({ ...options, ...places }, terminal, bench.tools, world);
    expect(shown).toContain("onetwo");
    expect(released).toBe(true);
    expect(await readdir(join(folder, "scratch"))).toEqual([]);
  });

  test("files go to p1 and come back", async () => {
    const disk = await copyImage(bench, await makeStandInImage(bench, "files", "reset\n"));
    await putOnP1(bench, disk, "identity.yaml", "hostname: a\n");
    await putOnP1(bench, disk, "identity.yaml", "hostname: b\n");
    expect(await listP1(bench, disk)).toEqual(["boot.scr", "identity.yaml"]);
    expect(await readFile(await takeFromP1(bench, disk, "identity.yaml"), "utf8")).toBe("hostname: b\n");
    await expect(takeFromP1(bench, disk, "u-boot.bin")).rejects.toMatchObject({ code: "IMAGE" });
  });
});
