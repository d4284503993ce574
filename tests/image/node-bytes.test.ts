import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import prettyBytes from "pretty-bytes";
import { describe, expect, test } from "vitest";
import { assetsRoot } from "../../lib/external/assets.ts";
import { hashIndex } from "../../lib/image/assemble/hash-index.ts";
import { startUpdater, waitForCommitted } from "../../lib/rehearsal/follow.ts";
import { FaultStore } from "./fault-store.ts";
import { nodeBuild } from "./node-build.ts";
import { withNodeSession } from "./node-session.ts";
import { cacheDir, world } from "./surroundings.ts";

const MINUTE = 60_000;
const BLOCK = 4096;
const HASH_BYTES = 32;
/** The goal: so much more than the changed blocks and the index may be read. */
const MOST = 1.25;
/** A Pi 3 with an SD card, from what people measured: bytes a second written, and hashed by one core. */
const CARD_RATE = 20e6;
const HASH_RATE = 50e6;
/** A slow line, in bytes a second. */
const LINE_RATE = 2e6;

async function hashesOf(folder: string): Promise<readonly string[]> {
  const { index } = await hashIndex(join(folder, "slot.ext4"));
  return Array.from({ length: index.length / HASH_BYTES }, (_, at) =>
    index.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES).toString("hex"),
  );
}

describe.runIf(cacheDir !== undefined)("an update by one package", () => {
  test(
    "is read in little more than the blocks that changed",
    async () => {
      const store = new FaultStore();
      const serve = (folder: string) => store.serve(folder);
      await withNodeSession({ name: "node-bytes", serve }, async (session) => {
        const definition = join(session.folder, "cluster.yaml");
        const text = await readFile(join(assetsRoot, "cluster.yaml"), "utf8");
        expect(text).toContain("packages: [ethtool]");
        await writeFile(definition, text.replace("packages: [ethtool]", "packages: [ethtool, tree]"));
        const { image } = await nodeBuild("agent", definition);
        await session.release("1.1.0", image);
        const old = new Set(await hashesOf(session.build.image.folder));
        const now = await hashesOf(image.folder);
        const changed = new Set(now.filter((hash) => !old.has(hash))).size * BLOCK;
        const index = now.length * HASH_BYTES;
        const started = world.clock.now();
        await startUpdater(session.node);
        await waitForCommitted(session.node, "1.1.0");
        const seconds = Math.round((world.clock.now() - started) / 1000);
        const read = store.bundleBytes;
        const written = now.length * BLOCK;
        const least = Math.max(read / LINE_RATE, written / CARD_RATE, (2 * written) / HASH_RATE);
        console.log(
          [
            `changed blocks ${prettyBytes(changed)}, index ${prettyBytes(index)}`,
            `read ${prettyBytes(read)} = ${(read / (changed + index)).toFixed(2)} of both`,
            `T_min of a Pi 3 with an SD card and a line of 2 MB/s: ${Math.round(least)} s`,
            `here, emulated, restart and gate included: ${seconds} s`,
          ].join("\n"),
        );
        expect(read).toBeGreaterThan(0);
        expect(read / (changed + index)).toBeLessThanOrEqual(MOST);
        const said = await session.node.command(
          "for at in /data/var/*/log/journal; do journalctl -D $at --no-pager -u rauc.service; done",
        );
        expect(said).toContain("Updating slot rootfs.1");
        expect(said).not.toContain("Continuing after adaptive mode error");
        expect(said).not.toContain("Building new hash index for");
      });
    },
    120 * MINUTE,
  );
});
