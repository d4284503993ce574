import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { verdictOf } from "../../cli/emulate-demo.ts";
import { demonstrate } from "../../lib/rehearsal/demonstration.ts";
import { machineAsked } from "./card-machine.ts";
import { nodeBuild } from "./node-build.ts";
import { cacheDir, holdingCache } from "./surroundings.ts";
import { expectLittleMemory } from "./told-node.ts";

const MINUTE = 60_000;
const MIB = 1024 ** 2;
/** Some files of a slot changed, so little more than the block hash index is read. */
const MOST_BUNDLE_BYTES = 24 * MIB;

describe.runIf(cacheDir !== undefined)("a node that is flashed and left alone", () => {
  test(
    "takes a good release, comes back from a bad one by itself, and takes the next",
    async () => {
      const { image, store, window, scratch } = await nodeBuild();
      const machine = machineAsked("virt");
      const logs = process.env.PI_TEST_LOGS ?? join(tmpdir(), "home-pi-consoles");
      await mkdir(logs, { recursive: true });
      const demonstration = {
        ...{ machine, image, store, window, scratch, consoleLog: join(logs, `node-${machine}.log`) },
        tell: (line: string) => console.log(line),
      };
      const shown = await holdingCache(() => demonstrate(demonstration));
      console.log(verdictOf(shown));
      expect(shown.committed).toEqual(["1.0.0", "1.1.0", "1.3.0"]);
      expect(shown.failed.reason).toContain("broken.service");
      // Flashed; v1.1.0; v1.2.0; back; v1.3.0: not one start more.
      expect(shown.starts).toBe(5);
      for (const version of ["1.1.0", "1.2.0", "1.3.0"]) {
        expect(shown.bundleBytes[version], version).toBeGreaterThan(MIB);
        expect(shown.bundleBytes[version], version).toBeLessThan(MOST_BUNDLE_BYTES);
      }
      expect(shown.journal).toContain("Copying image to rootfs.");
      expect(shown.journal).not.toContain("Continuing after adaptive mode error");
      expectLittleMemory(shown.journal, 2);
    },
    120 * MINUTE,
  );
});
