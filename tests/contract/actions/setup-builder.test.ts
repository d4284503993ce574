import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type DiskFacts, planFreeing, removable } from "../../../actions/setup-builder/free-disk.ts";
import { diskNeeded } from "../../../lib/image/preflight.ts";
import { root, runAction } from "./run-action.ts";

const GIB = 2 ** 30;
const facts = (change: Partial<DiskFacts>): DiskFacts => ({
  ...{ freeBytes: 9 * GIB, wantedBytes: 10 * GIB, neededBytes: 8 * GIB, hosted: true, left: removable },
  ...change,
});

describe("room on the disk", () => {
  test("is left alone while there is enough", () => {
    expect(planFreeing(facts({ freeBytes: 10 * GIB }))).toBe("enough");
    expect(planFreeing(facts({ freeBytes: 10 * GIB, hosted: false }))).toBe("enough");
  });

  test("is made one thing after the other, the largest first", () => {
    expect(planFreeing(facts({}))).toBe(removable[0]);
    expect(planFreeing(facts({ left: removable.slice(3) }))).toBe(removable[3]);
  });

  test("is never made on a machine that is somebody's", () => {
    expect(planFreeing(facts({ hosted: false }))).toBe("short");
    expect(planFreeing(facts({ hosted: false, freeBytes: 0 }))).toBe("impossible");
  });

  test("that cannot be made is missed only where a build needs it", () => {
    expect(planFreeing(facts({ left: [], freeBytes: 8 * GIB }))).toBe("short");
    expect(planFreeing(facts({ left: [], freeBytes: 8 * GIB - 1 }))).toBe("impossible");
    expect(planFreeing(facts({ left: [], freeBytes: 2 * GIB, neededBytes: 2 * GIB }))).toBe("short");
  });
});

test("the page of setup-builder names the room a build needs", async () => {
  const page = await readFile(join(root, "actions", "setup-builder", "README.md"), "utf8");
  const [cold, warm] = [false, true].map((tools) => `${diskNeeded(tools) / GIB} GiB`);
  expect(page).toContain(`fewer than ${cold} are free, ${warm} where the cache holds the build tools`);
});

describe("the bundle, started as the runner does", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "setup-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test.runIf(process.getuid?.() === 0)(
    "behind the job removes what a step that was killed left half made, and nothing else",
    async () => {
      const cache = join(folder, "cache");
      await mkdir(join(cache, "builds", "whole"), { recursive: true });
      await writeFile(join(cache, "builds", "whole", "done.json"), "{}");
      await mkdir(join(cache, "builds", `${"a".repeat(64)}.making-0123abcd`), { recursive: true });
      const ended = await runAction("setup-builder", { "cache-dir": cache }, folder, folder, {
        STATE_begun: "yes",
      });
      expect(ended.exitCode, ended.lines.join("\n")).toBe(0);
      expect(await readdir(join(cache, "builds"))).toEqual([`${"a".repeat(64)}.lock`, "whole"]);
    },
  );
});
