import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfText } from "../external/files.ts";
import { withScratch } from "../external/scratch.ts";
import { verifyDetached } from "../keys/cms.ts";
import { type ReleaseDocument, releaseDocument } from "./document.ts";
import { ReleaseError } from "./failure.ts";
import { RELEASE_DOCUMENT, SUMS, SUMS_SIGNATURE } from "./names.ts";
import type { ReleaseStore, StoredRelease } from "./store.ts";
import { parseSums } from "./sums.ts";

/** A published release whose checksums are signed under the cluster's CA, opened for reading. */
export interface PreviousRelease {
  readonly document: ReleaseDocument;
  /** release.json itself. */
  readonly file: { readonly bytes: number; readonly sha256: string };
  /** Copies a file that the signed checksums name, or throws. */
  copy(name: string, path: string): Promise<void>;
  /** Text of a small one. */
  read(name: string): Promise<string>;
}

/** What is read into memory of a stored release, in bytes each. */
const SMALL_BYTES = 8 * 1024 * 1024;

/**
 * Opens a published release of a store. What it says counts only as far as the signature reaches: the checksums
 * are held against `ca` (PEM), and release.json against the checksums. Throws ReleaseError, KeyError.
 */
export async function openPublished(
  store: ReleaseStore,
  release: StoredRelease,
  ca: string,
  scratch: string,
  now: Date,
): Promise<PreviousRelease> {
  const refuse = (why: string): ReleaseError =>
    new ReleaseError("DOCUMENT", `${release.tag} in ${store.place}: ${why}`, {
      fix: `./pi verify ${release.tag} says what is wrong with it`,
    });
  const readSmall = async (name: string): Promise<Buffer> => {
    const stored = release.assets.find((asset) => asset.name === name);
    if (stored === undefined) throw refuse(`there is no ${name}`);
    if (stored.bytes > SMALL_BYTES) throw refuse(`${name} has ${stored.bytes} bytes`);
    const sha256 = stored.sha256 ?? (await store.digestOf(release, stored));
    const listed = { name, bytes: stored.bytes, sha256 };
    return withScratch(scratch, "previous-", async (folder) => {
      await store.fetch(release, listed, join(folder, name));
      return readFile(join(folder, name));
    });
  };
  const sums = await readSmall(SUMS);
  await verifyDetached(sums, await readSmall(SUMS_SIGNATURE), ca, { now });
  const digests = new Map(parseSums(sums.toString(), SUMS).map(({ name, sha256 }) => [name, sha256]));
  const file = await readSmall(RELEASE_DOCUMENT);
  const document = releaseDocument.parse(JSON.parse(file.toString()));
  const wrong = document.assets.find(
    ({ name, sha256 }) => name !== SUMS && name !== SUMS_SIGNATURE && digests.get(name) !== sha256,
  );
  if (wrong !== undefined) throw refuse(`${RELEASE_DOCUMENT} and ${SUMS} differ about ${wrong.name}`);
  const copy = async (name: string, path: string): Promise<void> => {
    const listed = document.assets.find((asset) => asset.name === name);
    if (listed === undefined) throw refuse(`${RELEASE_DOCUMENT} lists no ${name}`);
    await store.fetch(release, listed, path);
  };
  const read = (name: string): Promise<string> =>
    withScratch(scratch, "previous-", async (folder) => {
      await copy(name, join(folder, name));
      return readFile(join(folder, name), "utf8");
    });
  return { document, file: { bytes: file.length, sha256: sha256OfText(file) }, copy, read };
}
