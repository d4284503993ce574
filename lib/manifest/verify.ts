import { basename } from "node:path";
import { sha256OfText } from "../external/files.ts";
import type { LargeSource, Source } from "../external/source.ts";
import { verifyDetached } from "../keys/cms.ts";
import { type ReleaseDocument, releaseDocument } from "../release/document.ts";
import { RELEASE_DOCUMENT, SUMS, SUMS_SIGNATURE } from "../release/names.ts";
import { parseSums } from "../release/sums.ts";
import { auditHome } from "./audit.ts";
import { type OpenedManifest, openManifest } from "./client/open.ts";
import { ManifestError } from "./failure.ts";
import { MAX_BYTES } from "./limits.ts";
import { releaseTarget } from "./repository/names.ts";
import type { ManifestFiles } from "./repository/state.ts";

/** What a verification starts from, and where it looks. */
export interface VerifyRequest {
  readonly manifest: Source;
  /** Every file of the manifest, where all can be listed: then those no reader asks for any more are checked too. */
  readonly files?: ManifestFiles;
  /** Where the assets of releases lie, by tag and name. */
  readonly assets: { readonly source: LargeSource; readonly pathOf: (tag: string, name: string) => string };
  /** Content of keys/root.json and keys/ca.pem: the two things that are trusted. */
  readonly trustedRoot: Uint8Array;
  readonly ca: string;
  /** An empty folder. */
  readonly scratch: string;
  readonly now: Date;
}

/** Told as each thing is proved, or while a large file is read. */
export interface Witness {
  proved(what: string): void;
  reading(name: string, bytes: number, total: number): void;
}

const DAMAGED = "it was damaged or tampered with: do not use it, and tell whoever published it";
const wrong = (file: string, why: string): ManifestError =>
  new ManifestError("FILE", `${file}: ${why}`, { fix: DAMAGED });

export async function openForVerification(request: VerifyRequest, witness: Witness): Promise<OpenedManifest> {
  const { manifest, trustedRoot, scratch, now } = request;
  const opened = await openManifest({ source: manifest, trustedRoot, folder: scratch, now });
  if (request.files !== undefined) {
    auditHome(request.files, trustedRoot);
    witness.proved(`all ${request.files.size} files of the update manifest are as their signers wrote them`);
  }
  const until = opened.expires.timestamp.slice(0, 10);
  witness.proved(
    `the update manifest in ${manifest.place} is signed by the keys root.json names, and valid until ${until}`,
  );
  return opened;
}

/** release.json of a tag, held against the manifest. Throws ManifestError FILE, ABSENT. */
export async function readReleaseDocument(
  { assets }: Pick<VerifyRequest, "assets">,
  opened: OpenedManifest,
  tag: string,
): Promise<ReleaseDocument> {
  const facts = opened.targets.get(releaseTarget(tag, RELEASE_DOCUMENT));
  if (facts === undefined) {
    const known = tagsOf(opened);
    throw new ManifestError("ABSENT", `the update manifest names no release ${tag}`, {
      fix: known.length === 0 ? "it names none at all" : `it names: ${known.join(", ")}`,
    });
  }
  const file = assets.pathOf(tag, RELEASE_DOCUMENT);
  const content = await assets.source.read(file, MAX_BYTES.targets);
  if (content === undefined) throw wrong(file, `is not in ${assets.source.place}`);
  if (content.byteLength !== facts.bytes || sha256OfText(content) !== facts.sha256) {
    throw wrong(file, "is not what the update manifest names");
  }
  const parsed = releaseDocument.safeParse(JSON.parse(Buffer.from(content).toString("utf8")));
  if (!parsed.success) throw wrong(file, "is not a release document of this version of the project");
  return parsed.data;
}

/** Tags of the releases a manifest names. */
export function tagsOf(opened: OpenedManifest): string[] {
  const suffix = `/${RELEASE_DOCUMENT}`;
  return [...opened.targets.keys()]
    .filter((path) => path.startsWith("releases/") && path.endsWith(suffix))
    .map((path) => path.slice("releases/".length, -suffix.length));
}

/**
 * Proves a whole release as its source offers it: manifest, release.json, signature, checksums, every file. Throws
 * ManifestError and KeyError, which name the file that is wrong; of many wrong files all are named.
 */
export async function verifyRelease(
  tag: string,
  request: VerifyRequest,
  witness: Witness,
): Promise<ReleaseDocument> {
  const opened = await openForVerification(request, witness);
  const document = await readReleaseDocument(request, opened, tag);
  witness.proved(`${RELEASE_DOCUMENT} of ${tag} is the one the manifest names`);
  checkTargets(document, opened);
  await checkSums(document, request);
  witness.proved(`${SUMS} is signed under the CA in ca.pem, and says the same as ${RELEASE_DOCUMENT}`);
  await checkAssets(document, request, witness);
  witness.proved(`all ${document.assets.length} files of ${tag} have the size and digest they should have`);
  return document;
}

/** The bundles nodes are told to install are those of the release. */
function checkTargets({ tag, assets, builds }: ReleaseDocument, opened: OpenedManifest): void {
  for (const { bundle } of builds) {
    const path = releaseTarget(tag, bundle);
    const target = opened.targets.get(path);
    const asset = assets.find(({ name }) => name === bundle);
    if (target !== undefined && asset !== undefined && target.sha256 === asset.sha256) continue;
    throw wrong(path, `the manifest and ${RELEASE_DOCUMENT} do not name the same file`);
  }
}

async function checkSums(document: ReleaseDocument, { assets, ca, now }: VerifyRequest): Promise<void> {
  const read = async (name: string): Promise<Uint8Array> => {
    const path = assets.pathOf(document.tag, name);
    const listed = document.assets.find((asset) => asset.name === name);
    const content = await assets.source.read(path, MAX_BYTES.targets);
    if (content === undefined) throw wrong(path, `is not in ${assets.source.place}`);
    if (sha256OfText(content) !== listed?.sha256)
      throw wrong(path, `has not the digest ${RELEASE_DOCUMENT} names`);
    return content;
  };
  const sums = await read(SUMS);
  await verifyDetached(sums, await read(SUMS_SIGNATURE), ca, { now });
  const listed = new Map(document.assets.map((asset) => [asset.name, asset.sha256]));
  for (const sum of parseSums(Buffer.from(sums).toString("utf8"), SUMS)) {
    if (listed.get(sum.name) !== sum.sha256)
      throw wrong(SUMS, `differs from ${RELEASE_DOCUMENT} about ${sum.name}`);
  }
}

async function checkAssets(
  { tag, assets: listed }: ReleaseDocument,
  { assets }: VerifyRequest,
  witness: Witness,
): Promise<void> {
  const bad: string[] = [];
  for (const asset of listed) {
    const path = assets.pathOf(tag, asset.name);
    const found = await assets.source
      .digest(path, asset.bytes, (bytes) => witness.reading(asset.name, bytes, asset.bytes))
      .catch((error: unknown) => {
        if (error instanceof Error && "code" in error && error.code === "TOO_LARGE")
          return { bytes: -1, sha256: "" };
        throw error;
      });
    if (found === undefined) bad.push(`${asset.name} is missing`);
    else if (found.bytes !== asset.bytes) bad.push(`${asset.name} has not its size of ${asset.bytes} bytes`);
    else if (found.sha256 !== asset.sha256) bad.push(`${asset.name} has not its digest`);
  }
  if (bad.length === 0) return;
  throw new ManifestError("FILE", `${bad.join(", ")}: not as it was published in ${tag}`, { fix: DAMAGED });
}

/** What is known of a downloaded file once it is proved. */
export interface ProvedFile {
  readonly tag: string;
  readonly name: string;
  readonly document: ReleaseDocument;
}

/**
 * Proves one downloaded file: it is an asset of a release that the manifest names. `digest` is that of the file.
 * Throws ManifestError FILE where a release has another file of that name, ABSENT where none has one like it.
 */
export async function verifyFile(
  path: string,
  digest: { readonly bytes: number; readonly sha256: string },
  request: VerifyRequest,
  witness: Witness,
): Promise<ProvedFile> {
  const opened = await openForVerification(request, witness);
  const name = basename(path);
  const others: string[] = [];
  for (const tag of tagsOf(opened)) {
    const document = await readReleaseDocument(request, opened, tag);
    const facts = opened.targets.get(releaseTarget(tag, RELEASE_DOCUMENT));
    const own = facts === undefined ? [] : [{ name: RELEASE_DOCUMENT, ...facts }];
    const all = [...document.assets, ...own];
    const same = all.find((asset) => asset.sha256 === digest.sha256 && asset.bytes === digest.bytes);
    if (same !== undefined) {
      witness.proved(`${RELEASE_DOCUMENT} of ${tag} is the one the manifest names`);
      witness.proved(`${name} is ${same.name} of ${tag}, byte for byte`);
      return { tag, name: same.name, document };
    }
    if (all.some((asset) => asset.name === name)) others.push(tag);
  }
  if (others.length > 0) throw wrong(path, `is not the ${name} of ${others.join(", ")}`);
  throw new ManifestError("ABSENT", `${path}: no release in ${request.manifest.place} has a file like it`, {
    fix: "is it of another cluster, or of a preview? --store names another place",
  });
}
