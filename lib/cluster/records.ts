import { join } from "node:path";
import { exists, readTextIfPresent, writeAtomically } from "../external/files.ts";
import { digestJson } from "./canonical-json.ts";
import type { BuildShape } from "./compile.ts";
import type { Definition } from "./schema.ts";

/** What the last finished build of one profile on one board was made of. */
export interface BuildRecord {
  readonly buildId: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly finishedAt: string;
}

/** `buildKey` is the build's id in the plan, `<profile>-<board>`. */
export function recordPath(cacheDir: string, cluster: string, buildKey: string): string {
  return join(cacheDir, "records", `${cluster}-${buildKey}.json`);
}

export async function writeRecord(
  cacheDir: string,
  cluster: string,
  buildKey: string,
  record: BuildRecord,
): Promise<void> {
  await writeAtomically(recordPath(cacheDir, cluster, buildKey), `${JSON.stringify(record, null, 2)}\n`);
}

/** A damaged file is as good as none: it only says what was. */
function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function asRecord(found: Record<string, unknown> | undefined): BuildRecord | undefined {
  if (found === undefined) return undefined;
  const { buildId, inputs, finishedAt } = found;
  if (typeof buildId !== "string" || typeof finishedAt !== "string") return undefined;
  if (typeof inputs !== "object" || inputs === null) return undefined;
  if (!Object.values(inputs).every((digest) => typeof digest === "string")) return undefined;
  return { buildId, inputs: inputs as Record<string, string>, finishedAt };
}

/** The last build of each of `buildKeys`, without those that were never finished here. */
export async function lastBuilds(
  cacheDir: string,
  cluster: string,
  buildKeys: readonly string[],
): Promise<Record<string, BuildRecord>> {
  const found = await Promise.all(
    buildKeys.map(async (buildKey) => {
      const record = asRecord(parseObject(await readTextIfPresent(recordPath(cacheDir, cluster, buildKey))));
      return record === undefined ? [] : [[buildKey, record] as const];
    }),
  );
  return Object.fromEntries(found.flat());
}

/** Whether the results of a build are in the cache, complete. */
export function isCached(cacheDir: string, buildId: string): Promise<boolean> {
  return exists(join(cacheDir, "builds", buildId, "done.json"));
}

/** What decides which packages a base holds; the key of its resolved list. */
export interface PackageQuestion {
  readonly board: string;
  readonly base: Definition["base"];
  readonly packages: readonly string[];
}

/** SHA-256 (hex) of a package question: the same whatever the order of packages and keys. */
export function resolvedKey({ board, base, packages }: PackageQuestion): string {
  const { suite, snapshot = null, url = null, sha256 = null } = base;
  return digestJson({
    board,
    base: { suite, snapshot, url, sha256 },
    packages: [...new Set(packages)].sort(),
  });
}

export function resolvedPath(cacheDir: string, key: string): string {
  return join(cacheDir, "archive", "resolved", `${key}.json`);
}

/** Keeps the digest (hex) of the list that the archive gave for `key`. */
export async function writeResolved(cacheDir: string, key: string, digest: string): Promise<void> {
  await writeAtomically(resolvedPath(cacheDir, key), `${JSON.stringify({ digest })}\n`);
}

export async function readResolved(cacheDir: string, key: string): Promise<string | undefined> {
  const digest = parseObject(await readTextIfPresent(resolvedPath(cacheDir, key)))?.digest;
  return typeof digest === "string" ? digest : undefined;
}

/** Answers `Sources.packages` from what earlier builds have resolved. */
export async function resolvedPackages(
  cacheDir: string,
  base: Definition["base"],
  builds: readonly BuildShape[],
): Promise<(build: BuildShape) => string | undefined> {
  const keyOf = ({ board, packages }: BuildShape): string => resolvedKey({ board, base, packages });
  const keys = [...new Set(builds.map(keyOf))];
  const digests = await Promise.all(
    keys.map(async (key) => [key, await readResolved(cacheDir, key)] as const),
  );
  const known = new Map(digests);
  return (build) => known.get(keyOf(build));
}
