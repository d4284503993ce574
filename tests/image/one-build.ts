import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfFile } from "../../lib/external/files.ts";

/** What two builds of one commit must agree on, SHA-256 each. */
export interface BuildDigests {
  readonly inputs: string;
  readonly base: string;
  readonly tree: string;
  readonly slot: string;
  readonly disk: string;
  readonly sbom: string;
}

export interface OneBuild {
  readonly digests: BuildDigests;
  /** The compressed disk image. */
  readonly image: string;
}

interface Info {
  readonly inputs: Readonly<Record<string, string>>;
  readonly base: { readonly sha256: string };
  readonly tree: { readonly sha256: string };
  readonly slot: { readonly sha256: string };
  readonly disk: { readonly sha256: string };
}

/** Reads a folder of results that holds those of one build. */
export async function readResults(out: string): Promise<OneBuild> {
  const names = await readdir(out);
  const named = (end: string): string => {
    const [name, ...others] = names.filter((candidate) => candidate.endsWith(end));
    if (name === undefined || others.length > 0) throw new Error(`${out} holds not one *${end}: ${names}`);
    return join(out, name);
  };
  const info = JSON.parse(await readFile(named(".buildinfo.json"), "utf8")) as Info;
  const { inputs, base, tree, slot, disk } = info;
  const digests = {
    inputs: JSON.stringify(inputs),
    ...{ base: base.sha256, tree: tree.sha256, slot: slot.sha256, disk: disk.sha256 },
    sbom: await sha256OfFile(named(".cdx.json")),
  };
  return { digests, image: named(".img.zst") };
}

/** The state of the Debian archive that a cache's builds saw: SHA-256 over the signed Release files. */
export async function archiveState(cache: string): Promise<string> {
  const hash = createHash("sha256");
  const rooms = (await readdir(join(cache, "archive"))).filter((name) => /^[0-9a-f]{64}$/.test(name));
  if (rooms.length !== 1) throw new Error(`${cache} has lists of ${rooms.length} archives, not of one`);
  const lists = join(cache, "archive", rooms.join(), "skel/var/lib/apt/lists");
  const releases = (await readdir(lists)).filter((name) => name.endsWith("_InRelease")).sort();
  if (releases.length === 0) throw new Error(`${lists} holds no Release file`);
  for (const name of releases) hash.update(await readFile(join(lists, name)));
  return hash.digest("hex");
}
