import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { loadDefinition } from "../../lib/cluster/load.ts";
import { assetsRoot } from "../../lib/external/assets.ts";
import { buildImages } from "../../lib/image/build/build.ts";
import type { BuiltImage } from "../../lib/image/build/results.ts";
import { provisionerNamed } from "../../lib/image/provision/choose.ts";
import type { ToolsTree } from "../../lib/image/tools/tree.ts";
import type { RehearsalStore } from "../../lib/rehearsal/publish.ts";
import { cacheDir, quietReporter, testTools, world } from "./surroundings.ts";
import { openTestKeys } from "./test-keys.ts";

/** A build whose nodes have an updater and trust keys that lie here, and what releases are made with. */
export interface NodeBuild {
  readonly image: BuiltImage;
  readonly tools: ToolsTree;
  readonly window: string | undefined;
  readonly store: Omit<RehearsalStore, "folder" | "work">;
  /** Folder in the cache, for what tests make while they hold it. */
  readonly scratch: string;
}

/** Builds a profile with the tests' own keys, which stay: the next group finds the build in the cache. */
export async function nodeBuild(profile = "agent", definition?: string): Promise<NodeBuild> {
  const tools = await testTools();
  if (tools === undefined || cacheDir === undefined) throw new Error("PI_TEST_CACHE names no cache");
  const loaded = await loadDefinition(assetsRoot, definition);
  const { cluster, update } = loaded.definition;
  const keys = await openTestKeys(cluster);
  const [image] = await buildImages(
    {
      ...{ project: assetsRoot, cacheDir, keys: keys.publicFolder, only: [profile], plain: false },
      ...(definition === undefined ? {} : { file: definition }),
      provisioner: () => provisionerNamed("chroot", cacheDir ?? "", world, quietReporter),
    },
    world,
    quietReporter,
  );
  if (image === undefined) throw new Error(`nothing was built for ${profile}`);
  const scratch = join(cacheDir, "scratch");
  await mkdir(scratch, { recursive: true });
  const store = { keys: keys.keys, trustedRoot: keys.trustedRoot, tools, world, reporter: quietReporter };
  return { image, tools, window: update.window, store, scratch };
}
