import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { dirname } from "node:path";
import { createPrivateFolder, namesIn } from "../external/private-files.ts";
import { issueCa, issueLeaf } from "./certificates.ts";
import { KeyError } from "./failure.ts";
import { LEFTOVER_MS, MAX_ROOTS } from "./limits.ts";
import { toPem } from "./pem.ts";
import { files } from "./places.ts";

export interface KeyRequest {
  /** Where they shall lie: not there yet, or empty. */
  readonly folder: string;
  readonly cluster: string;
  readonly now: Date;
  /** Made to try things out: the CA's name says so, and a file beside them. */
  readonly development: boolean;
  /** How many root keys: one for each keeper. */
  readonly roots: number;
}

export interface PlannedFile {
  readonly name: string;
  /** For people. */
  readonly what: string;
}

const DEVELOPMENT_TEXT = `These keys were made on the spot, to try things out. Nobody keeps them safe.
Run ./pi keys init to make keys that nodes can rely on.
`;

/** The files that makeKeys makes, in the order of the ceremony. */
export function plannedKeys({
  roots,
  development,
}: Pick<KeyRequest, "roots" | "development">): PlannedFile[] {
  if (!Number.isInteger(roots) || roots < 1 || roots > MAX_ROOTS) {
    throw new Error(`${roots} root keys: 1 to ${MAX_ROOTS} can be made`);
  }
  return [
    ...Array.from({ length: roots }, (_, at) => ({
      name: `root-${at + 1}.pem`,
      what: "names all other keys; keep it away from this machine",
    })),
    { name: "targets-1.pem", what: "signs what may be installed" },
    { name: "online-1.pem", what: "signs, week by week, that this is the newest" },
    { name: files.caKey, what: "the CA's key: signs signing certificates; keep it away from this machine" },
    { name: files.ca, what: "the CA's certificate, public: goes into keys/ and every image" },
    { name: files.signingKey, what: "signs bundles and checksums" },
    { name: files.signing, what: "its certificate, public" },
    ...(development ? [{ name: files.development, what: "says that these keys are nobody's promise" }] : []),
  ];
}

function ed25519(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return toPem("private key", privateKey.export({ format: "der", type: "pkcs8" }));
}

async function contents(request: KeyRequest): Promise<Map<string, string>> {
  const { cluster, now, development } = request;
  const ca = await issueCa({ cluster, now, standing: development ? "development" : undefined });
  const leaf = await issueLeaf(ca.certificate, createPrivateKey(ca.privateKey), now);
  const fixed = new Map<string, string>([
    [files.ca, ca.certificate],
    [files.caKey, ca.privateKey],
    [files.signing, leaf.certificate],
    [files.signingKey, leaf.privateKey],
    [files.development, DEVELOPMENT_TEXT],
  ]);
  return new Map(plannedKeys(request).map(({ name }) => [name, fixed.get(name) ?? ed25519()]));
}

/**
 * Makes a cluster's keys, all of them or none: the folder appears whole. Returns what it made. Throws KeyError: EXISTS
 * where something is in the folder, which is never touched; CLOCK; UNWRITABLE.
 */
export async function makeKeys(request: KeyRequest): Promise<PlannedFile[]> {
  const { folder, now } = request;
  const exists = new KeyError("EXISTS", `there are keys in ${folder} already, and they are not overwritten`, {
    fix: "./pi keys status shows them; to start anew, move the folder away: nodes do not follow new keys",
  });
  if (((await namesIn(folder)) ?? []).length > 0) throw exists;
  const made = await contents(request);
  try {
    if (await createPrivateFolder(folder, made, now.getTime() - LEFTOVER_MS)) return plannedKeys(request);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new KeyError("UNWRITABLE", `the keys cannot be written to ${folder}: ${why}`, {
      fix: `make ${dirname(folder)} writable, or name another folder: PI_KEYS=/another/folder`,
    });
  }
  throw exists;
}
