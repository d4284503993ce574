import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { sha256OfFile } from "../../lib/external/files.ts";
import { acquireLock, type Lock } from "../../lib/external/lock.ts";
import { processes } from "../../lib/external/process.ts";
import { realWorld } from "../../lib/external/world.ts";
import { useForeignBinaries } from "../../lib/image/binfmt.ts";
import { testTools, world } from "./surroundings.ts";

const tools = await testTools();
const tree = tools?.path ?? "";
const held: (Lock | undefined)[] = [];
afterEach(async () => {
  for (const lock of held.splice(0)) await lock?.release();
});

async function entries(): Promise<string[]> {
  const names = await readdir("/proc/sys/fs/binfmt_misc");
  return names.filter((name) => name.startsWith("home-pi-"));
}

describe.runIf(tools !== undefined && process.arch !== "arm64")(
  "the kernel's entry for arm64 programs",
  () => {
    test("stays as long as one of its users is there", async () => {
      const first = await useForeignBinaries(tree, world);
      held.push(first);
      const second = await useForeignBinaries(tree, world);
      held.push(second);
      expect(await entries()).toHaveLength(1);
      await first.release();
      expect(await entries()).toHaveLength(1);
      await second.release();
      expect(await entries()).toEqual([]);
    });

    test("is not made by a run that is stopped before it can use it", async () => {
      const digest = await sha256OfFile(join(tree, "usr/bin/qemu-aarch64"));
      const file = `/run/home-pi-cluster/home-pi-${digest.slice(0, 12)}.users.lock`;
      held.push(await acquireLock(processes, { file, mode: "exclusive" }));
      const stopper = new AbortController();
      const use = useForeignBinaries(tree, realWorld(stopper.signal));
      setTimeout(() => stopper.abort(), 500);
      await expect(use).rejects.toMatchObject({ code: "INTERRUPTED" });
      expect(await entries()).toEqual([]);
    });
  },
);
