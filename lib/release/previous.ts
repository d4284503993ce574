import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { verifyDetached } from "../keys/cms.ts";
import { type ReleaseDocument, releaseDocument } from "./document.ts";
import { ReleaseError } from "./failure.ts";
import { RELEASE_DOCUMENT, SUMS, SUMS_SIGNATURE } from "./names.ts";
import type { ReleaseStore, StoredRelease } from "./store.ts";
import { parseSums } from "./sums.ts";

/** A published release whose checksums are signed under the cluster's CA, opened for reading. */
export interface PreviousRelease {
  readonly document: ReleaseDocument;
  /** Copies a file that the signed checksums name, or throws. */
  fetch(name: string, path: string): Promise<void>;
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
  const work = await mkdtemp(join(scratch, "previous-"));
  const refuse = (why: string): ReleaseError =>
    new ReleaseError("DOCUMENT", `${release.tag} in ${store.place}: ${why}`, {
      fix: `./pi verify ${release.tag} says what is wrong; carry nothing over from it with --anew`,
    });
  try {
    const readSmall = async (name: string, sha256?: string): Promise<Buffer> => {
      const stored = release.assets.find((asset) => asset.name === name);
      if (stored === undefined) throw refuse(`there is no ${name}`);
      if (stored.bytes > SMALL_BYTES) throw refuse(`${name} has ${stored.bytes} bytes`);
      const digest = sha256 ?? stored.sha256;
      if (digest === undefined) throw refuse(`the digest of ${name} is not known`);
      const path = join(work, name);
      await store.fetch(release, { name, bytes: stored.bytes, sha256: digest }, path);
      return readFile(path);
    };
    const sums = await readSmall(SUMS);
    await verifyDetached(sums, await readSmall(SUMS_SIGNATURE), ca, { now });
    const digests = new Map(parseSums(sums.toString(), SUMS).map(({ name, sha256 }) => [name, sha256]));
    const document = releaseDocument.parse(JSON.parse((await readSmall(RELEASE_DOCUMENT)).toString()));
    const wrong = document.assets.find(
      ({ name, sha256 }) => name !== SUMS && name !== SUMS_SIGNATURE && digests.get(name) !== sha256,
    );
    if (wrong !== undefined) throw refuse(`${RELEASE_DOCUMENT} and ${SUMS} differ about ${wrong.name}`);
    const fetch = async (name: string, path: string): Promise<void> => {
      const listed = document.assets.find((asset) => asset.name === name);
      if (listed === undefined) throw refuse(`${RELEASE_DOCUMENT} lists no ${name}`);
      await store.fetch(release, listed, path);
    };
    return { document, fetch, read: (name) => readText(name, fetch, scratch) };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function readText(
  name: string,
  fetch: (name: string, path: string) => Promise<void>,
  scratch: string,
): Promise<string> {
  const work = await mkdtemp(join(scratch, "previous-"));
  try {
    await fetch(name, join(work, name));
    return await readFile(join(work, name), "utf8");
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
