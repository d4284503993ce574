import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { namesIn } from "../external/private-files.ts";
import { isDevelopmentCa } from "./certificates.ts";
import { KeyError } from "./failure.ts";
import { type FoundKey, findCertificate, findKey, numbersOf } from "./key-files.ts";
import type { Keys, RoleName } from "./keys.ts";
import { makeKeys } from "./make.ts";
import { certificatesIn, type PemText } from "./pem.ts";
import { files, type Secrets, secretNames } from "./places.ts";
import { roleKey } from "./role-key.ts";
import { signingIdentity } from "./signing.ts";
import { findSigningFiles } from "./signing-files.ts";

export interface KeySource {
  /** The private keys; see keysFolder. Need not be there where a job has all it needs as secrets. */
  readonly folder: string;
  /** The public halves: `keys/` of the project, as an absolute path. */
  readonly publicFolder: string;
  /** See takeSecrets. What is among them is not looked for in the folder. */
  readonly secrets?: Secrets;
}

type SecretName = keyof typeof secretNames;

/** A thing that may be missing, and every place it was looked for. */
interface Wanted {
  readonly what: string;
  readonly secret?: SecretName;
  readonly file: string;
}

const SECRETS_PLACE = "the job's secrets";

function fromSecret(secrets: Secrets, secret: SecretName, what: string): PemText | undefined {
  const text = secrets[secret];
  return text === undefined ? undefined : { text, what, where: `the secret ${secretNames[secret]}` };
}

function missing({ what, secret, file }: Wanted): KeyError {
  const places =
    secret === undefined
      ? `there is no ${file}`
      : `neither a secret ${secretNames[secret]} nor a file ${file}`;
  const onRunner = secret === undefined ? "" : `; on a runner, set ${secretNames[secret]} in its environment`;
  return new KeyError("MISSING", `${what} is missing: ${places}`, {
    fix: `./pi keys init makes keys; PI_KEYS=/another/folder names where they are${onRunner}`,
  });
}

/** What was found, or the error that says why it cannot be had. */
function must(found: FoundKey | undefined, wanted: Wanted): PemText {
  if (found === undefined) throw missing(wanted);
  if (found instanceof KeyError) throw found;
  return found;
}

async function findRole(source: KeySource, role: RoleName): Promise<[string, FoundKey][]> {
  const secret = role === "root" ? undefined : fromSecret(source.secrets ?? {}, role, `the key ${role}-1`);
  if (secret !== undefined) return [[`${role}-1`, secret]];
  const names = (await numbersOf(source.folder, role)).map((number) => `${role}-${number}`);
  const found: [string, FoundKey][] = [];
  for (const name of names) {
    const key = await findKey(source.folder, `${name}.pem`, `the key ${name}`);
    if (key !== undefined) found.push([name, key]);
  }
  return found;
}

/** The certificate and its key, always of one origin. */
async function findSigning({ folder, secrets = {} }: KeySource) {
  const what = { certificate: "the signing certificate", privateKey: "the signing key" };
  if (secrets.signing !== undefined || secrets.signingKey !== undefined) {
    return {
      certificate: fromSecret(secrets, "signing", what.certificate),
      privateKey: fromSecret(secrets, "signingKey", what.privateKey),
    };
  }
  return findSigningFiles(folder);
}

function isDevelopment(ca: FoundKey | undefined): boolean {
  if (ca === undefined || ca instanceof KeyError) return false;
  try {
    return certificatesIn(ca.text).some((pem) => isDevelopmentCa(new X509Certificate(pem)));
  } catch {
    // What is wrong with it is said when it is used.
    return false;
  }
}

/**
 * The keys of this machine or job. Reads them all at once; what is missing or broken is told when it is asked for.
 * Throws KeyError EXPOSED at once where others could read one.
 */
export async function openKeys(source: KeySource): Promise<Keys> {
  const { folder, secrets = {} } = source;
  const roles = {
    root: await findRole(source, "root"),
    targets: await findRole(source, "targets"),
    online: await findRole(source, "online"),
  };
  const signing = await findSigning(source);
  const ca = await findCertificate(source.publicFolder, files.ca, "the CA");
  const names = (await namesIn(folder)) ?? [];
  const place = [
    ...(Object.keys(secrets).length > 0 ? [SECRETS_PLACE] : []),
    ...(names.length > 0 ? [folder] : []),
  ];
  return Object.freeze({
    place: place.join(" and ") || folder,
    development: names.includes(files.development) || isDevelopment(ca),
    role(role: RoleName) {
      const wanted: Wanted = {
        what: `a key for ${role}`,
        ...(role === "root" ? {} : { secret: role }),
        file: join(folder, `${role}-1.pem`),
      };
      if (roles[role].length === 0) throw missing(wanted);
      return roles[role].map(([name, found]) => roleKey(name, must(found, wanted)));
    },
    signing(now: Date) {
      const certificate = must(signing.certificate, {
        what: "the signing certificate",
        secret: "signing",
        file: join(folder, files.signing),
      });
      const privateKey = must(signing.privateKey, {
        what: "the signing key",
        secret: "signingKey",
        file: join(folder, files.signingKey),
      });
      if (ca === undefined) {
        throw new KeyError(
          "PUBLIC_MISSING",
          `the CA is missing: there is no ${join(source.publicFolder, files.ca)}`,
          {
            fix: "./pi keys init writes it; commit it, so that images carry it",
          },
        );
      }
      if (ca instanceof KeyError) throw ca;
      return signingIdentity({ certificate, privateKey, ca }, now);
    },
  });
}

/**
 * The keys of a folder, made on the spot where it holds none, to try things out; their public halves lie beside them.
 * Two runs at once get the same. Throws as openKeys and makeKeys do.
 */
export async function takeDevelopmentKeys(request: {
  readonly folder: string;
  readonly cluster: string;
  readonly now: Date;
}): Promise<Keys> {
  const { folder } = request;
  if (((await namesIn(folder)) ?? []).length === 0) {
    await makeKeys({ ...request, development: true, roots: 1 }).catch((error: unknown) => {
      if (!(error instanceof KeyError && error.code === "EXISTS")) throw error;
    });
  }
  return openKeys({ folder, publicFolder: folder });
}
