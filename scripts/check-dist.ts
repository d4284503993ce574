import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jsonSchemas } from "../lib/cluster/json-schema.ts";
import { withScratch } from "../lib/external/scratch.ts";
import { channelSchemas } from "../lib/manifest/json-schema.ts";
import { buildActions } from "./build-actions.ts";
import { buildUpdater } from "./build-updater.ts";

export interface StaleFile {
  /** Relative to the project's root. */
  readonly path: string;
  /** The command that makes it anew. */
  readonly fix: string;
}

export interface Generated extends StaleFile {
  readonly content: Buffer;
}

const root = join(import.meta.dirname, "..");

async function read(folder: string, into: string, names: readonly string[], fix: string) {
  return Promise.all(
    names.map(async (name): Promise<Generated> => {
      return { path: join(into, name), fix, content: await readFile(join(folder, name)) };
    }),
  );
}

async function generate(scratch: string): Promise<Generated[]> {
  const [actions, updater] = [join(scratch, "actions"), join(scratch, "updater")];
  const names = await buildActions(actions);
  await buildUpdater(updater);
  const bundles = names.flatMap((name) =>
    ["index.js", "licenses.txt"].map((file) => join(name, "dist", file)),
  );
  const updaterFiles = ["node-update.mjs", "licenses.txt"];
  const schemas = Object.entries({ ...jsonSchemas(), ...channelSchemas() });
  return [
    ...(await read(actions, "actions", bundles, "node scripts/build-actions.ts")),
    ...(await read(updater, "updater/dist", updaterFiles, "node scripts/build-updater.ts")),
    ...schemas.map(([name, text]) => ({
      ...{ path: join("schema", name), fix: "node scripts/write-schemas.ts", content: Buffer.from(text) },
    })),
  ];
}

/** Everything that is generated and committed, as the sources give it today. */
export function generatedFiles(): Promise<Generated[]> {
  return withScratch(tmpdir(), "check-dist-", generate);
}

/** Those that are not what is committed in the checkout at `committed`. */
export async function staleFiles(generated: readonly Generated[], committed = root): Promise<StaleFile[]> {
  const compared = generated.map(async ({ path, fix, content }) => {
    const there = await readFile(join(committed, path)).catch(() => Buffer.alloc(0));
    return content.equals(there) ? [] : [{ path, fix }];
  });
  return (await Promise.all(compared)).flat();
}

if (import.meta.main) {
  const stale = await staleFiles(await generatedFiles());
  for (const { path } of stale) process.stderr.write(`${path} is out of date\n`);
  for (const fix of new Set(stale.map((file) => file.fix))) process.stderr.write(`fix: ${fix}\n`);
  process.exitCode = stale.length === 0 ? 0 : 1;
}
