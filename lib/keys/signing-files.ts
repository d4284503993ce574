import { KeyError } from "./failure.ts";
import { type FoundKey, findCertificate, findKey } from "./key-files.ts";
import { files } from "./places.ts";
import { belongTogether } from "./signing.ts";

export interface SigningFiles {
  readonly certificate: FoundKey | undefined;
  /** That of the certificate, under whichever of its two names. */
  readonly privateKey: FoundKey | undefined;
  /** Whether a rotation ended between its last two steps, so that the key still has its first name. See rotate.ts. */
  readonly unfinished: boolean;
}

function fit(certificate: FoundKey | undefined, key: FoundKey | undefined): boolean {
  if (certificate === undefined || certificate instanceof KeyError) return false;
  if (key === undefined || key instanceof KeyError) return false;
  try {
    return belongTogether(certificate, key);
  } catch {
    // What is wrong with either is said when it is used.
    return false;
  }
}

/** The leaf of a key folder and its key. Throws KeyError EXPOSED. */
export async function findSigningFiles(folder: string): Promise<SigningFiles> {
  const certificate = await findCertificate(folder, files.signing, "the signing certificate");
  const key = await findKey(folder, files.signingKey, "the signing key");
  const next = await findKey(folder, files.nextSigningKey, "the signing key");
  const unfinished = fit(certificate, next);
  return { certificate, privateKey: unfinished ? next : key, unfinished };
}
