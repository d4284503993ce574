import { X509Certificate } from "node:crypto";
import { messageOf } from "../failure.ts";
import type { Keys, RoleName } from "../keys/keys.ts";
import { RENEW_BELOW_DAYS } from "./limits.ts";
import { daysLeft, describeExpiry } from "./repository/expiry.ts";
import type { Signed } from "./repository/metadata.ts";
import { contentOfRoot } from "./repository/root.ts";

/** Days a signing certificate should have left: it is renewed by hand, and seldom. */
const CERTIFICATE_DAYS = 60;

export interface KeyStatus {
  /** Name, what is here, what it is good for; as a table's rows. */
  readonly rows: readonly (readonly [string, string, string])[];
  /** What somebody has to do; empty where all is well. */
  readonly problems: readonly string[];
}

const ROLES: readonly RoleName[] = ["root", "targets", "online"];
const FIX_DAYS = RENEW_BELOW_DAYS.root;

/** What went wrong while a key was asked for, as one line. */

function roleRows(keys: Keys, root: Signed<"root">, role: RoleName, problems: string[]): KeyStatus["rows"] {
  const { keys: known, threshold } = contentOfRoot(root)[role];
  let here: ReturnType<Keys["role"]> = [];
  try {
    here = keys.role(role);
  } catch (error) {
    // That a key lies elsewhere is how it should be; that one here cannot be used is not.
    if ((error as { code?: string }).code !== "MISSING") problems.push(messageOf(error));
  }
  const asked = `${threshold} of ${known.length} must sign`;
  const rows = known.map(({ keyId }): [string, string, string] => {
    const found = here.find((key) => key.keyId === keyId);
    return [role, found === undefined ? `${keyId.slice(0, 8)} is not here` : `${found.name} is here`, asked];
  });
  const strangers = here.filter(({ keyId }) => !known.some((key) => key.keyId === keyId));
  return [
    ...rows,
    ...strangers.map(({ name }): [string, string, string] => [
      role,
      `${name} is here`,
      "root does not know it: replaced, or not in use yet",
    ]),
  ];
}

/** Which keys are here, what the root makes of them, and what expires when. Decides nothing, throws nothing. */
export function keyStatus(keys: Keys, root: Signed<"root">, now: Date): KeyStatus {
  const problems: string[] = [];
  const rows = ROLES.flatMap((role) => [...roleRows(keys, root, role, problems)]);
  const { version, expires } = root.signed;
  rows.push(["root.json", `version ${version}`, describeExpiry(expires, now)]);
  if (daysLeft(expires, now) < FIX_DAYS)
    problems.push(`root.json has ${describeExpiry(expires, now)}: ./pi keys rotate root`);
  try {
    const leaf = new X509Certificate(keys.signing(now).certificate);
    const until = leaf.validToDate.toISOString();
    rows.push(["signing", "certificate is here", describeExpiry(until, now)]);
    if (daysLeft(until, now) < CERTIFICATE_DAYS)
      problems.push(`the signing certificate has ${describeExpiry(until, now)}: ./pi keys rotate signing`);
  } catch (error) {
    rows.push(["signing", "cannot be used here", messageOf(error)]);
    if ((error as { code?: string }).code !== "MISSING") problems.push(messageOf(error));
  }
  return { rows, problems };
}
