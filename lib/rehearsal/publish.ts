import { cp, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfFile } from "../external/files.ts";
import { withScratch } from "../external/scratch.ts";
import type { World } from "../external/world.ts";
import type { BuiltImage } from "../image/build/results.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import { throwAway } from "../keys/certificates.ts";
import { signDetached } from "../keys/cms.ts";
import type { Keys } from "../keys/keys.ts";
import { localHome } from "../manifest/local-home.ts";
import { publishRelease as announce } from "../manifest/publish-release.ts";
import type { Reporter, Step } from "../progress/reporter.ts";
import { bundleOf, sealBundle } from "../release/build-files.ts";
import { composeDocument } from "../release/compose.ts";
import { type ReleaseDocument, releaseDocument } from "../release/document.ts";
import { localStore } from "../release/local-store.ts";
import { buildAssetNames, RELEASE_DOCUMENT, SUMS, SUMS_SIGNATURE } from "../release/names.ts";
import { publishRelease } from "../release/publish-release.ts";
import { formatSums } from "../release/sums.ts";
import { parseVersion } from "../release/version.ts";

/** A store of this machine that a node follows, and the keys it is signed with. */
export interface RehearsalStore {
  /** Folder of the store; its scratch lies beside. */
  readonly folder: string;
  /** On the builds' own file system: a bundle's content is linked into it. */
  readonly work: string;
  readonly keys: Keys;
  readonly trustedRoot: Uint8Array;
  readonly tools: ToolsTree;
  readonly world: World;
  readonly reporter: Reporter;
}

/** Nobody booted it before: that is what the rehearsal does. */
const NOT_BOOTED = { machine: "none", checks: 0, loginSeconds: 0 };
const COMMIT = "0".repeat(40);

/** What a test does to the signed bundle before it is released: somebody has the keys of the manifest, or a bad day. */
export type Craft = (bundle: string) => Promise<void>;

export interface Edition {
  readonly craft?: Craft | undefined;
  /** Versions that nodes may not pass by, as in cluster.yaml. */
  readonly waypoints?: readonly string[] | undefined;
}

/**
 * Releases one finished build as `tag` into the store: its bundle signed as a release's is, the sums and release.json,
 * then the update manifest. Only the boot test is left out. Throws what releasing throws.
 */
export async function releaseBuild(
  store: RehearsalStore,
  tag: string,
  image: BuiltImage,
  step: Step,
  { craft, waypoints = [] }: Edition = {},
): Promise<ReleaseDocument> {
  const { world, keys, reporter } = store;
  const version = parseVersion(tag);
  const now = new Date(world.clock.now());
  const folder = join(store.work, tag);
  await mkdir(folder, { recursive: true });
  const { info } = image;
  const names = buildAssetNames(info.name, version.text);
  step.update("the bundle");
  await cp(join(image.folder, "disk.img.zst"), join(folder, names.image));
  await cp(join(image.folder, "sbom.cdx.json"), join(folder, names.sbom));
  await writeFile(join(folder, names.buildinfo), `${JSON.stringify(info, null, 2)}\n`);
  await sealed(
    store,
    { version: version.text, serial: version.serial },
    image,
    join(folder, names.bundle),
    step,
  );
  await craft?.(join(folder, names.bundle));
  step.update("publishing");
  const head = composeDocument({
    ...{ cluster: info.cluster, version, commit: COMMIT, now: now.getTime(), development: keys.development },
    waypoints: waypoints.map((text) => parseVersion(`v${text}`)),
    builds: [
      {
        release: {
          build: { id: image.id, profile: info.profile, board: info.board, buildId: info.buildId },
          origin: { kind: "new", compatible: info.name, before: undefined },
        },
        made: { slot: info.slot, disk: info.disk, boot: NOT_BOOTED },
      },
    ],
  });
  const files = await Promise.all(Object.values(names).map((name) => describe(folder, name)));
  const sums = formatSums(files);
  await writeFile(join(folder, SUMS), sums);
  await writeFile(join(folder, SUMS_SIGNATURE), await signDetached(Buffer.from(sums), keys.signing(now)));
  const signed = [...files, await describe(folder, SUMS), await describe(folder, SUMS_SIGNATURE)];
  const assets = signed.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }));
  const document = releaseDocument.parse({ ...head, assets });
  await writeFile(join(folder, RELEASE_DOCUMENT), `${JSON.stringify(document, null, 2)}\n`);
  const file = await describe(folder, RELEASE_DOCUMENT);
  const releases = localStore({ folder: store.folder }, world);
  const details = { tag, commit: COMMIT, title: tag, notes: `# ${tag}\n`, prerelease: version.prerelease };
  await publishRelease({ store: releases, details, assets: [...signed, file] }, world, reporter);
  const change = await announce({
    ...{ home: localHome({ store: store.folder, world }), keys, trustedRoot: store.trustedRoot, now },
    ...{ release: { document, file }, urlsOf: (of, name) => [releases.urlOf(of, name)] },
  });
  if (!change.empty) await change.carryOut(() => undefined);
  return document;
}

async function sealed(
  { work, tools, world, reporter, keys }: RehearsalStore,
  edition: { readonly version: string; readonly serial: number },
  image: BuiltImage,
  to: string,
  step: Step,
): Promise<void> {
  const now = new Date(world.clock.now());
  const press = {
    ...({ tools, world, reporter, cacheDir: work, machine: "virt", identity: keys.signing(now) } as const),
    throwAway: () => throwAway(now, image.info.cluster),
  };
  // Beside the releases: what a killed run leaves must not lie in a build of the cache.
  await withScratch(work, "bundle-", async (folder) => {
    const made = await bundleOf(image, edition, folder, press, step);
    const request = { from: made.bundle, throwAwayCa: made.throwAway.ca, to };
    await sealBundle(request, image.id, image.info, edition, press, step);
  });
}

async function describe(folder: string, name: string) {
  const path = join(folder, name);
  return { name, path, bytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
}
