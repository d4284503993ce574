import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exists, sha256OfFile } from "../../lib/external/files.ts";
import type { Lock } from "../../lib/external/lock.ts";
import type { World } from "../../lib/external/world.ts";
import { useForeignBinaries } from "../../lib/image/binfmt.ts";
import { chrootProvisioner } from "../../lib/image/provision/chroot.ts";
import type { Provisioner, ProvisionRequest } from "../../lib/image/provision/provisioner.ts";
import { leftovers, makeSmallBase, order, PLAY, packerBuilder } from "./packer-workshop.ts";
import { quietStep, testTools, world } from "./surroundings.ts";

/** Folder with the real packer and arm plugin; without it only the stand-in is tested. */
const real = process.env.PI_REAL_PACKER_DIR ?? process.env.PI_PACKER_DIR;
const SOON_MS = 10_000;

const tools = await testTools();

describe.runIf(tools !== undefined)("the packer builder", () => {
  let folder: string;
  let base: ProvisionRequest["base"];
  let foreign: Lock;
  let standIn: Provisioner;
  const tree = () => {
    if (tools === undefined) throw new Error("no tools tree");
    return tools;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "packer-"));
    foreign = await useForeignBinaries(tree().path, world);
    base = await makeSmallBase(join(folder, "base"), tree(), world);
    standIn = await packerBuilder(folder, world);
  });
  afterAll(async () => {
    await foreign?.release();
    await rm(folder, { recursive: true, force: true });
  });

  async function digestOf(builder: Provisioner, name: string): Promise<string> {
    const request = await order(folder, name, base);
    await builder.provision(request, tree(), world, quietStep);
    return sha256OfFile(request.tree);
  }

  test("makes the same tree as the chroot builder, byte for byte", async () => {
    const expected = await digestOf(chrootProvisioner, "chroot");
    expect(await digestOf(standIn, "stand-in")).toBe(expected);
  });

  test.runIf(real !== undefined)("and so do the real packer and plugin", async () => {
    const builder = await packerBuilder(join(folder, "real-packer"), world, real);
    expect(await digestOf(builder, "real")).toBe(await digestOf(chrootProvisioner, "chroot-again"));
  });

  test("keeps owners, modes, links and capabilities, and leaves nothing of the build behind", async () => {
    const request = await order(folder, "content", base);
    await standIn.provision(request, tree(), world, quietStep);
    const list = [
      "tar",
      "--list",
      "--verbose",
      "--verbose",
      "--numeric-owner",
      "--xattrs",
      "--xattrs-include=*",
    ] as const;
    const argv = [...list, "--file", request.tree] as const;
    const { stdout } = await world.processes.run({ argv, timeoutMs: 60_000 });
    expect(stdout).toMatch(/^-rw-r-----.? 0\/42 .* \.\/etc\/shadow$/m);
    expect(stdout).toMatch(/^-rw-r-----.? 1\/42 .* \.\/etc\/mark$/m);
    expect(stdout).toMatch(/^-rwsr-xr-x.? 0\/0 .* \.\/usr\/bin\/setuid-true$/m);
    expect(stdout).toMatch(/^hrw-r--r--.? .* \.\/etc\/passwd\.hard link to \.\/etc\/passwd$/m);
    expect(stdout).toMatch(
      /^-rwxr-xr-x\* 0\/0 .* \.\/usr\/bin\/capable-true\n {2}x: +20 security\.capability$/m,
    );
    expect(stdout).not.toMatch(/qemu|\.ansible|lost\+found|\.\/mnt\/./);
    expect(await leftovers(request)).toEqual([]);
  });

  test("a task that fails is named with its place and output, and nothing stays", async () => {
    const request = await order(folder, "failing", base, { vars: { want_fail: true } });
    await expect(standIn.provision(request, tree(), world, quietStep)).rejects.toMatchObject({
      area: "packer",
      code: "TASK",
      message: 'task "Fail on request" failed: non-zero return code',
      place: { file: join(PLAY, "site.yml"), line: 25 },
      details: ["no luck"],
    });
    expect(await exists(request.tree)).toBe(false);
    expect(await leftovers(request)).toEqual([]);
  });

  test("a base with another digest is refused before anything is made", async () => {
    const request = await order(folder, "digest", { ...base, sha256: "0".repeat(64) });
    const failing = standIn.provision(request, tree(), world, quietStep);
    await expect(failing).rejects.toMatchObject({ code: "BASE_DIGEST" });
    expect(await leftovers(request)).toEqual([]);
  });

  test("an interruption ends it within seconds and leaves nothing", async () => {
    const request = await order(folder, "interrupted", base, { vars: { want_sleep: 600 } });
    const stop = new AbortController();
    const stoppable: World = { ...world, signal: stop.signal };
    let interruptedAt = 0;
    const onTask = (text: string): void => {
      if (!text.includes("Wait on request")) return;
      interruptedAt = performance.now();
      stop.abort();
    };
    const failing = standIn.provision(request, tree(), stoppable, { line: () => undefined, update: onTask });
    await expect(failing).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(performance.now() - interruptedAt).toBeLessThan(SOON_MS);
    expect(await exists(request.tree)).toBe(false);
    expect(await leftovers(request)).toEqual([]);
  });

  test("killed, it leaves files only: no loop device, no mount, no process", async () => {
    const request = await order(folder, "killed", base, { vars: { want_sleep: 600 } });
    const argv = [
      ...([
        "setpriv",
        "--pdeathsig",
        "KILL",
        process.execPath,
        join(import.meta.dirname, "packer-child.ts"),
      ] as const),
      ...[folder, tree().path, JSON.stringify(request)],
    ] as const;
    const child = await new Promise<number>((resolve, reject) => {
      const running = world.processes.start({ argv }, (chunk) => {
        if (chunk.toString().includes("Wait on request")) resolve(running.pid ?? 0);
      });
      void running.exited.then((code) => reject(new Error(`ended with ${code}`)));
    });
    expect((await leftovers(request)).filter((what) => what.startsWith("loop device"))).toHaveLength(1);
    process.kill(child, "SIGKILL");
    const files = /^file /;
    await expect
      .poll(async () => (await leftovers(request)).filter((what) => !files.test(what)), { timeout: SOON_MS })
      .toEqual([]);
    await standIn.provision(
      { ...request, varsFile: (await order(folder, "after", base)).varsFile },
      tree(),
      world,
      quietStep,
    );
    expect(await leftovers(request)).toEqual([]);
  });
});
