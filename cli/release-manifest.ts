import type { ReleaseDocument } from "../lib/release/document.ts";
import type { StoreName } from "../lib/release/open-store.ts";
import type { ReleaseStore, WantedAsset } from "../lib/release/store.ts";
import type { CliContext } from "./context.ts";
import { openHome } from "./manifest-place.ts";
import type { ReleaseKeys } from "./release-keys.ts";

export interface Announcement {
  readonly place: StoreName;
  readonly store: ReleaseStore;
  readonly keys: ReleaseKeys;
  readonly document: ReleaseDocument;
  /** release.json itself, as it was published. */
  readonly file: Pick<WantedAsset, "bytes" | "sha256">;
  readonly dryRun: boolean;
}

/** Where the manifest of a store lies: in the folder itself, or on the branch `manifest` of the repository. */
function homeOf(place: StoreName): Parameters<typeof openHome>[0] {
  if (place.kind === "local") return { store: place.folder };
  const server = process.env.GITHUB_SERVER_URL || "https://github.com";
  return { branch: `${server}/${place.owner}/${place.repo}.git` };
}

/** Tells the nodes: the update manifest names the release, once every file of it can be had. */
export async function announce(context: CliContext, announcement: Announcement): Promise<void> {
  const { place, store, keys, document, file, dryRun } = announcement;
  const { publishRelease } = await import("../lib/manifest/publish-release.ts");
  const home = await openHome(homeOf(place), context);
  const change = await publishRelease({
    ...{ home, keys: keys.keys, now: new Date(context.world.clock.now()) },
    trustedRoot: keys.trustedRoot,
    release: { document, file },
    urlsOf: (tag, name) => [store.urlOf(tag, name)],
  });
  if (change.empty) return context.print(`update manifest in ${home.place}: says so already\n`);
  context.print(`update manifest in ${home.place}:\n${change.lines.map((line) => `  ${line}\n`).join("")}`);
  if (dryRun) return;
  await change.carryOut((lines) =>
    context.print(`planned anew:\n${lines.map((line) => `  ${line}\n`).join("")}`),
  );
}
