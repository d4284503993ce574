import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestJson } from "../cluster/canonical-json.ts";
import { sha256OfFile, sha256OfText } from "../external/files.ts";
import type { BuiltImage } from "../image/build/results.ts";
import { ensureCached } from "../image/cache.ts";
import { signDetached, verifyCommands } from "../keys/cms.ts";
import { type BuildRelease, namesOf, serialOf } from "./carry-over.ts";
import { type ComposedBuild, composeDocument } from "./compose.ts";
import { type ReleaseDocument, releaseDocument } from "./document.ts";
import { RELEASE_DOCUMENT, SUMS, SUMS_SIGNATURE } from "./names.ts";
import { releaseNotes } from "./notes.ts";
import { type PackageChange, packageChanges } from "./package-changes.ts";
import { type PackedBuild, sealBuild } from "./packed-build.ts";
import { prepareNewBuild } from "./prepare-build.ts";
import type { Press } from "./press.ts";
import type { PreviousRelease } from "./previous.ts";
import type { WantedAsset } from "./store.ts";
import { formatSums } from "./sums.ts";
import type { Version } from "./version.ts";

/** A build of a release, and what its files are made of: what was built here, or by another job; neither is carried over. */
export interface ReleaseInput {
  readonly release: BuildRelease;
  readonly image?: BuiltImage;
  readonly packed?: PackedBuild;
}

export interface PrepareRequest {
  readonly cluster: string;
  readonly version: Version;
  readonly commit: string;
  readonly development: boolean;
  /** Of the definition. */
  readonly waypoints: readonly Version[];
  readonly builds: readonly ReleaseInput[];
  readonly previous: PreviousRelease | undefined;
  /** How people name the CA in the commands that check a download: `keys/ca.pem`. */
  readonly caShown: string;
}

/** Everything a release consists of, as files on this machine. */
export interface PreparedRelease {
  readonly document: ReleaseDocument;
  /** release.json itself. */
  readonly file: { readonly bytes: number; readonly sha256: string };
  readonly notes: string;
  /** In the order they are to be uploaded. */
  readonly assets: readonly WantedAsset[];
}

const NOTES = "notes.md";

/**
 * Makes the files of a release, once: bundles and signatures are never the same twice, so a run that is repeated
 * has to find those of the first one. Throws ReleaseError, EmulatorError, KeyError.
 */
export async function prepareRelease(request: PrepareRequest, press: Press): Promise<PreparedRelease> {
  const { version, builds } = request;
  const key = digestJson({
    ...{ tag: version.tag, commit: request.commit, machine: press.machine, ca: request.caShown },
    ...{ tools: press.tools.digest, previous: request.previous?.document.tag ?? null },
    waypoints: request.waypoints.map(({ tag }) => tag),
    signer: sha256OfText(press.identity.certificate + press.identity.ca),
    builds: builds.map(({ release }) => [release.build.id, release.build.buildId, release.origin.kind]),
  });
  const entry = await ensureCached(
    {
      ...{ cacheDir: press.cacheDir, room: "releases", key, about: { tag: version.tag } },
      make: (folder) => makeFiles(folder, request, press),
    },
    press.world,
    press.reporter,
  );
  if (entry.reused) press.reporter.info(`${version.tag} was prepared before: its files are used again`);
  const document = releaseDocument.parse(
    JSON.parse(await readFile(join(entry.folder, RELEASE_DOCUMENT), "utf8")),
  );
  const own = await describeFile(entry.folder, RELEASE_DOCUMENT);
  return {
    document,
    file: { bytes: own.bytes, sha256: own.sha256 },
    notes: await readFile(join(entry.folder, NOTES), "utf8"),
    assets: [...document.assets, own].map((asset) => ({ ...asset, path: join(entry.folder, asset.name) })),
  };
}

async function makeFiles(folder: string, request: PrepareRequest, press: Press): Promise<void> {
  const { version, previous } = request;
  const composed: ComposedBuild[] = [];
  for (const { release, image, packed } of request.builds) {
    const names = namesOf(release, version);
    const job = { names, version: version.text, serial: serialOf(release, version) };
    if (image !== undefined) {
      composed.push({ release, made: await prepareNewBuild({ ...job, image }, folder, press) });
    } else if (packed !== undefined && release.origin.kind === "new") {
      composed.push({ release, made: await sealBuild(packed, job, folder, press) });
    } else {
      await press.reporter.step(`carry over ${release.build.id}`, {}, async (step) => {
        for (const name of Object.values(names)) {
          step.update(name);
          await previous?.copy(name, join(folder, name));
        }
      });
      composed.push({ release });
    }
  }
  const now = press.world.clock.now();
  const head = composeDocument({ ...request, now, builds: composed });
  const names = request.builds.flatMap(({ release }) => Object.values(namesOf(release, version)));
  const files = [];
  for (const name of names) files.push(await describeFile(folder, name));
  const sums = formatSums(files);
  await writeFile(join(folder, SUMS), sums);
  await writeFile(join(folder, SUMS_SIGNATURE), await signDetached(Buffer.from(sums), press.identity));
  const signature = await describeFile(folder, SUMS_SIGNATURE);
  const assets = [...files, await describeFile(folder, SUMS), signature];
  const document: ReleaseDocument = releaseDocument.parse({ ...head, assets });
  const changes = await changesSince(folder, request, document);
  const verify = verifyCommands({ ca: request.caShown, signatureSha256: signature.sha256 });
  const text = {
    document: head,
    assets: files,
    previous: previous?.document.tag,
    changes,
    verify,
    caShown: request.caShown,
  };
  await writeFile(join(folder, NOTES), releaseNotes(text));
  await writeFile(join(folder, RELEASE_DOCUMENT), `${JSON.stringify(document, null, 2)}\n`);
}

async function describeFile(
  folder: string,
  name: string,
): Promise<{ name: string; bytes: number; sha256: string }> {
  const path = join(folder, name);
  return { name, bytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
}

/** The package changes of new builds that the previous release had as well. */
async function changesSince(
  folder: string,
  { builds, previous }: PrepareRequest,
  document: ReleaseDocument,
): Promise<Map<string, PackageChange[]>> {
  const changes = new Map<string, PackageChange[]>();
  for (const { release } of builds) {
    const { origin, build } = release;
    const now = document.builds.find(({ id }) => id === build.id);
    if (origin.kind !== "new" || origin.before === undefined || previous === undefined || now === undefined)
      continue;
    const before = { text: await previous.read(origin.before.sbom), file: origin.before.sbom };
    const after = { text: await readFile(join(folder, now.sbom), "utf8"), file: now.sbom };
    changes.set(build.id, packageChanges(before, after));
  }
  return changes;
}
