import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { keepAs, replaceWith, writePrivate } from "../external/private-files.ts";
import { type Issued, issueLeaf } from "./certificates.ts";
import { KeyError } from "./failure.ts";
import { type FoundKey, findCertificate, findKey } from "./key-files.ts";
import type { PemText } from "./pem.ts";
import { files } from "./places.ts";
import { belongTogether } from "./signing.ts";
import { findSigningFiles } from "./signing-files.ts";

/** One step of a rotation; a run may end behind each of them, and the keys still open. */
export interface RotationStep {
  readonly what: string;
  carryOut(): Promise<void>;
}

/** `2026-11-20T10-15-00Z`: sorts by time, and is a file name anywhere. */
const stamp = (now: Date): string => `${now.toISOString().slice(0, 19).replaceAll(":", "-")}Z`;

function need(found: FoundKey | undefined, what: string, file: string): PemText {
  if (found instanceof KeyError) throw found;
  if (found !== undefined) return found;
  throw new KeyError("MISSING", `${what} is missing: there is no ${file}`, {
    fix: "bring it from where you keep it, or name the folder: PI_KEYS=/another/folder",
  });
}

/**
 * The key goes first, under a name of its own; the certificate's rename is the moment the new leaf is in use; then the
 * key takes its place. In between the key is found under the first name (open.ts).
 */
function replaceSteps(folder: string, leaf: Issued, now: Date): RotationStep[] {
  const path = (name: string): string => join(folder, name);
  const kept = stamp(now);
  const nextCertificate = path(`${files.signing}.next`);
  return [
    {
      what: "the new key is written",
      carryOut: () => writePrivate(path(files.nextSigningKey), leaf.privateKey),
    },
    {
      what: "the new certificate is written",
      carryOut: () => writePrivate(nextCertificate, leaf.certificate),
    },
    {
      what: `the old certificate is kept as signing-until-${kept}.pem`,
      carryOut: () => keepAs(path(files.signing), `signing-until-${kept}.pem`),
    },
    {
      what: `the old key is kept as signing-key-until-${kept}.pem`,
      carryOut: () => keepAs(path(files.signingKey), `signing-key-until-${kept}.pem`),
    },
    {
      what: "the new certificate is used",
      carryOut: () => replaceWith(path(files.signing), nextCertificate),
    },
    { what: "its key takes its place", carryOut: () => finish(folder) },
  ];
}

const finish = (folder: string): Promise<void> =>
  replaceWith(join(folder, files.signingKey), join(folder, files.nextSigningKey));

/**
 * The steps that put a new leaf under the same CA in the place of the one in use, in their order; nodes need not know.
 * What an earlier rotation left to do comes first. Throws KeyError: MISSING and WRONG of the CA and its key, CLOCK.
 */
export async function planSigningRotation(folder: string, now: Date): Promise<RotationStep[]> {
  const name = { ca: "the CA", caKey: "the CA's key" };
  const ca = need(await findCertificate(folder, files.ca, name.ca), name.ca, join(folder, files.ca));
  const foundKey = await findKey(folder, files.caKey, name.caKey);
  const caKey = need(foundKey, name.caKey, join(folder, files.caKey));
  if (!belongTogether(ca, caKey)) {
    throw new KeyError("WRONG", `${caKey.what} in ${caKey.where} is not that of ${ca.what} in ${ca.where}`, {
      fix: "bring both from where you keep them",
    });
  }
  const leaf = await issueLeaf(ca.text, createPrivateKey(caKey.text), now);
  const first = (await findSigningFiles(folder)).unfinished
    ? [{ what: "the last rotation is brought to its end", carryOut: () => finish(folder) }]
    : [];
  return [...first, ...replaceSteps(folder, leaf, now)];
}

/** Carries out planSigningRotation. The old leaf stays, with the moment in its name; what it signed stays valid. */
export async function rotateSigning(folder: string, now: Date): Promise<void> {
  for (const step of await planSigningRotation(folder, now)) await step.carryOut();
}
