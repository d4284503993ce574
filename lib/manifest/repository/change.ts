import { KEPT_VERSIONS } from "../limits.ts";
import { CHANNEL_FILE, PENDING, parseVersionedName } from "./names.ts";
import type { ManifestFiles } from "./state.ts";

export interface ManifestWrite {
  readonly path: string;
  readonly content: Uint8Array;
}

/** What is to happen to a manifest's files. Nothing changes: no writes and no removals. */
export interface ManifestChange {
  /** For people, before it is carried out: one line per thing that changes, or what is waited for. */
  readonly lines: readonly string[];
  /**
   * In this order, each by rename: stopped behind any of them, readers find the old state or the new one,
   * because what they follow by name is written after what it names.
   */
  readonly writes: readonly ManifestWrite[];
  /** After all writes: files nobody needs any more. */
  readonly removes: readonly string[];
}

export function isEmpty(change: ManifestChange): boolean {
  return change.writes.length === 0 && change.removes.length === 0;
}

/** The files as they are after the change. */
export function filesAfter(files: ManifestFiles, change: ManifestChange): ManifestFiles {
  const after = new Map(files);
  for (const { path, content } of change.writes) after.set(path, content);
  for (const path of change.removes) after.delete(path);
  return after;
}

/** The targets paths a metadata file names, as far as it can be read: enough to know what to keep. */
function channelDigests(content: Uint8Array | undefined): readonly string[] {
  if (content === undefined) return [];
  return [
    ...Buffer.from(content)
      .toString("utf8")
      .matchAll(/"sha256":"([0-9a-f]{64})"/g),
  ].flatMap(([, digest]) => (digest === undefined ? [] : [digest]));
}

/**
 * Files nobody needs: targets and snapshots older than the last ten or newer than the current ones (a run that
 * was stopped left them), channel documents that no kept targets name. Roots are never among them.
 */
export function superfluous(
  files: ManifestFiles,
  current: { readonly targets: number; readonly snapshot: number },
  pending: boolean,
): readonly string[] {
  const versioned = [...files.keys()].flatMap((path) => {
    const name = parseVersionedName(path);
    return name === undefined || name.kind === "root"
      ? []
      : [{ path, kind: name.kind, version: name.version }];
  });
  const kept = new Set(
    versioned
      .filter(({ kind, version }) => version <= current[kind] && version > current[kind] - KEPT_VERSIONS)
      .map(({ path }) => path),
  );
  const naming = [
    ...versioned.map(({ path }) => path).filter((path) => kept.has(path)),
    ...(pending ? [PENDING] : []),
  ];
  const named = new Set(naming.flatMap((path) => channelDigests(files.get(path))));
  return [...files.keys()]
    .filter((path) => {
      if (path === PENDING) return !pending;
      const digest = CHANNEL_FILE.exec(path)?.[1];
      if (digest !== undefined) return !named.has(digest);
      const name = parseVersionedName(path);
      return name !== undefined && name.kind !== "root" && !kept.has(path);
    })
    .sort();
}
