// The client that the public tuf-conformance suite drives (its CLIENT-CLI.md): the network layer, the limits and the
// tuf-js of a node. What a node asks beyond TUF (files as this project writes them, byte for byte) is left out:
// the suite's own files would not pass it.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { parseArgs } from "node:util";
import type { Fetcher } from "tuf-js";
import { DownloadHTTPError } from "tuf-js/dist/error.js";
import { sha256OfFile, writeAtomically } from "../../lib/external/files.ts";
import { lightSource } from "../../lib/external/light-source.ts";
import type { Source } from "../../lib/external/source.ts";
import { BASE_URL } from "../../lib/manifest/client/fetcher.ts";
import { seedRoot, tufUpdater } from "../../lib/manifest/client/tuf-updater.ts";
import { FETCH_TIMEOUT_MS } from "../../lib/manifest/limits.ts";

/** The suite's targets are some bytes; its endless one is cut here. */
const MAX_TARGET_BYTES = 1_000_000;

function fetcherOf(source: Source): Fetcher {
  return {
    downloadBytes: async (url, maxLength) => {
      const content = await source.read(url.slice(BASE_URL.length + 1), maxLength);
      if (content === undefined) throw new DownloadHTTPError("not there", 404);
      return Buffer.from(content);
    },
    downloadFile: () => Promise.reject(new Error("targets are not fetched by tuf-js")),
  };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "metadata-dir": { type: "string" },
    "metadata-url": { type: "string" },
    "target-name": { type: "string", multiple: true },
    "target-base-url": { type: "string" },
    "target-dir": { type: "string" },
  },
});

function given(name: "metadata-dir" | "metadata-url" | "target-base-url" | "target-dir"): string {
  const value = values[name];
  if (value === undefined) throw new Error(`--${name} is missing`);
  return value;
}

async function refreshed(): Promise<ReturnType<typeof tufUpdater>> {
  const source = lightSource(given("metadata-url"), { timeoutMs: FETCH_TIMEOUT_MS });
  const updater = tufUpdater(given("metadata-dir"), fetcherOf(source), new Date());
  await updater.refresh();
  return updater;
}

/** A target as a node fetches what a manifest names: by its digest, no byte more than it should have. */
async function download(): Promise<void> {
  const updater = await refreshed();
  const folder = given("target-dir");
  await mkdir(folder, { recursive: true });
  const source = lightSource(given("target-base-url"), { timeoutMs: FETCH_TIMEOUT_MS });
  for (const name of values["target-name"] ?? []) {
    const target = await updater.getTargetInfo(name);
    if (target === undefined) throw new Error(`${name}: no target`);
    const file = join(folder, encodeURIComponent(name));
    const wanted = target.hashes.sha256;
    if (wanted === undefined) throw new Error(`${name}: no SHA-256`);
    if ((await sha256OfFile(file).catch(() => undefined)) === wanted) continue;
    const slash = name.lastIndexOf("/") + 1;
    const path = `${name.slice(0, slash)}${wanted}.${name.slice(slash)}`;
    const content = await source.read(path, Math.min(target.length, MAX_TARGET_BYTES));
    if (content === undefined) throw new Error(`${path}: not there`);
    await target.verify(Readable.from([content]));
    await writeAtomically(file, content);
  }
}

switch (positionals[0]) {
  case "init":
    await seedRoot(given("metadata-dir"), await readFile(positionals[1] ?? ""));
    break;
  case "refresh":
    await refreshed();
    break;
  case "download":
    await download();
    break;
  default:
    throw new Error(`unknown command ${positionals[0]}`);
}
