import { join } from "node:path";
import type { ManifestHome } from "../lib/manifest/home.ts";
import type { ReleaseDocument } from "../lib/release/document.ts";
import type { StoreName } from "../lib/release/open-store.ts";
import type { ReleaseStore, WantedAsset } from "../lib/release/store.ts";
import type { Version } from "../lib/release/version.ts";
import type { CliContext } from "./context.ts";
import type { ReleaseKeys } from "./release-keys.ts";

export interface Announcement {
  readonly place: StoreName;
  readonly store: ReleaseStore;
  readonly keys: ReleaseKeys;
  readonly document: ReleaseDocument;
  /** release.json itself, as it was published. */
  readonly file: Pick<WantedAsset, "bytes" | "sha256">;
  /** The version nodes must have reached before they may take this one. */
  readonly minFrom: Version | undefined;
  readonly dryRun: boolean;
}

/** Where the manifest of a store lies: in the folder itself, or on the branch `manifest` of the repository. */
export async function manifestHome(
  place: StoreName,
  context: Pick<CliContext, "cacheDir" | "world">,
): Promise<ManifestHome> {
  const { world, cacheDir } = context;
  if (place.kind === "local") {
    const { localHome } = await import("../lib/manifest/local-home.ts");
    return localHome({ store: place.folder, world });
  }
  const { branchHome } = await import("../lib/manifest/branch-home.ts");
  const server = process.env.GITHUB_SERVER_URL || "https://github.com";
  const remote = `${server}/${place.owner}/${place.repo}.git`;
  return branchHome({ remote, scratch: join(cacheDir, "scratch"), world });
}

/** Tells the nodes: the update manifest names the release, once every file of it can be had. */
export async function announce(context: CliContext, announcement: Announcement): Promise<void> {
  const { place, store, keys, document, file, dryRun } = announcement;
  const { publishRelease } = await import("../lib/manifest/publish-release.ts");
  const home = await manifestHome(place, context);
  // What is carried over has its own past: nodes that run it already have nothing to install.
  const anew = document.builds.filter(({ version }) => `v${version}` === document.tag);
  const { minFrom } = announcement;
  const waypoints = minFrom === undefined ? [] : anew.map(({ id }) => [id, minFrom.serial] as const);
  const change = await publishRelease({
    ...{ home, keys: keys.keys, now: new Date(context.world.clock.now()) },
    trustedRoot: keys.trustedRoot,
    release: { document, file },
    minFrom: Object.fromEntries(waypoints),
    urlsOf: (tag, name) => [store.urlOf(tag, name)],
  });
  if (change.empty) return context.print(`update manifest in ${home.place}: says so already\n`);
  context.print(`update manifest in ${home.place}:\n${change.lines.map((line) => `  ${line}\n`).join("")}`);
  if (dryRun) return;
  await change.carryOut((lines) =>
    context.print(`planned anew:\n${lines.map((line) => `  ${line}\n`).join("")}`),
  );
}
