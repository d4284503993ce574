import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildUpdater } from "../../../scripts/build-updater.ts";

const dist = join(import.meta.dirname, "../../../updater/dist");

test("the committed updater is what the sources give (else: node scripts/build-updater.ts)", async () => {
  const folder = mkdtempSync(join(tmpdir(), "updater-dist-"));
  try {
    const inputs = await buildUpdater(folder);
    for (const name of ["node-update.mjs", "licenses.txt"]) {
      expect(readFileSync(join(folder, name), "utf8") === readFileSync(join(dist, name), "utf8"), name).toBe(
        true,
      );
    }
    // Nothing of the build machine's side gets onto a node.
    expect(
      inputs.filter((path) => /^(cli|actions|workbench|lib\/(image|emulator|keys\/make))/.test(path)),
    ).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("it begins with the node's own Node", () => {
  expect(readFileSync(join(dist, "node-update.mjs"), "utf8").split("\n")[0]).toBe(
    "#!/usr/bin/env -S /usr/lib/home-pi/node/bin/node --jitless --max-semi-space-size=1 --v8-pool-size=1",
  );
});
