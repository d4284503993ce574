import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openArchive } from "../../lib/image/archive/archive.ts";
import { cacheDir, quietReporter, testTools, world } from "./surroundings.ts";

const tools = cacheDir === undefined ? undefined : await testTools();

/** Whether arm64 programs run here already, through somebody else's entry. */
async function runsForeignPrograms(): Promise<boolean> {
  const command = tools?.command(["arch-test", "arm64"], { timeoutMs: 30_000 });
  if (command === undefined) return false;
  return (await world.processes.run({ ...command, accept: [0, 1] })).exitCode === 0;
}

// A person's machine cannot run them before the first build; reading lists must not need it.
test.skipIf(tools === undefined || (await runsForeignPrograms()))(
  "reads the archive on a machine that cannot run arm64 programs",
  async () => {
    if (tools === undefined) throw new Error("no tools");
    const folder = await mkdtemp(join(tmpdir(), "archive-"));
    try {
      const choice = { suite: "trixie", snapshot: undefined, architecture: "arm64" };
      const archive = await openArchive(choice, tools, folder, world, quietReporter);
      const names = (await archive.resolve(["htop"])).map((entry) => entry.name);
      expect(names).toContain("htop");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
