import { join } from "node:path";
import { realWorld } from "../../lib/external/world.ts";
import { branchHome } from "../../lib/manifest/branch-home.ts";
import { openProjectKeys } from "../../lib/manifest/project-keys.ts";
import { publishRelease } from "../../lib/manifest/publish-release.ts";
import type { OwnCluster } from "../contract/actions/own-cluster.ts";
import { choices, exampleRelease } from "../unit/manifest/example.ts";

const world = realWorld(new AbortController().signal);

/** Tells nodes of a release that nobody built, as the manifest's action would. */
export async function releaseExample({ workspace, folder, remote }: OwnCluster, tag: string): Promise<void> {
  const now = new Date();
  const { keys, trustedRoot } = await openProjectKeys({
    ...{ project: workspace, cluster: "home", now, development: false },
    env: { PI_KEYS: join(folder, "keys") },
  });
  const home = branchHome({ remote, scratch: join(folder, "scratch"), world });
  const planned = await publishRelease({
    ...{ home, keys, trustedRoot, now, ...choices },
    release: exampleRelease(tag),
  });
  await planned.carryOut();
}
