import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import prettyBytes from "pretty-bytes";
import { describe, expect, test } from "vitest";
import { assetsRoot } from "../../lib/external/assets.ts";
import { withReader } from "../../lib/external/ranges.ts";
import { hashIndex } from "../../lib/image/assemble/hash-index.ts";
import { READ_JOURNALS } from "../../lib/rehearsal/demonstration.ts";
import { startUpdater, waitForCommitted } from "../../lib/rehearsal/follow.ts";
import { FaultStore } from "./fault-store.ts";
import { nodeBuild } from "./node-build.ts";
import { withNodeSession } from "./node-session.ts";
import { cacheDir, world } from "./surroundings.ts";

const MINUTE = 60_000;
const BLOCK = 4096;
const HASH_BYTES = 32;
/** The goal: so much may be read for each byte of a changed block, beside the index. */
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

/** Blocks of a slot that are not anywhere in an older one, one of each; `packed` as tightly as zlib gets all of them. */
async function changedBlocks(folder: string, older: string): Promise<{ bytes: number; packed: number }> {
  const [old, now] = [new Set(await hashesOf(older)), await hashesOf(folder)];
  const places = new Map(now.flatMap((hash, at) => (old.has(hash) ? [] : [[hash, at] as const])));
  const blocks = await withReader(join(folder, "slot.ext4"), async (read) => {
    const found: Buffer[] = [];
    for (const at of places.values()) found.push(await read(at * BLOCK, BLOCK));
    return Buffer.concat(found);
  });
  return { bytes: blocks.length, packed: deflateSync(blocks, { level: 9 }).length };
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
        const now = await hashesOf(image.folder);
        const changed = await changedBlocks(image.folder, session.build.image.folder);
        const index = now.length * HASH_BYTES;
        const started = world.clock.now();
        await startUpdater(session.node);
        await waitForCommitted(session.node, "1.1.0");
        const seconds = Math.round((world.clock.now() - started) / 1000);
        const read = store.bundleBytes;
        const beside = (bytes: number): string => ((read - index) / bytes).toFixed(2);
        const written = now.length * BLOCK;
        const least = Math.max(read / LINE_RATE, written / CARD_RATE, (2 * written) / HASH_RATE);
        console.log(
          [
            `changed blocks ${prettyBytes(changed.bytes)}, ${prettyBytes(changed.packed)} packed; index ${prettyBytes(index)}`,
            `read ${prettyBytes(read)}: the index and ${beside(changed.bytes)} of the changed blocks, ${beside(changed.packed)} of them packed`,
            `T_min of a Pi 3 with an SD card and a line of 2 MB/s: ${Math.round(least)} s`,
            `here, emulated, restart and gate included: ${seconds} s`,
          ].join("\n"),
        );
        expect(read).toBeGreaterThan(0);
        expect(read).toBeLessThanOrEqual(MOST * changed.bytes + index);
        const said = await session.node.command(READ_JOURNALS);
        expect(said).toContain("Updating slot rootfs.1");
        expect(said).not.toContain("Continuing after adaptive mode error");
        expect(said).not.toContain("Building new hash index for");
      });
    },
    120 * MINUTE,
  );
});
