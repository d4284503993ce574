import { join } from "node:path";
import { writeAtomically } from "../external/files.ts";
import type { RoleName } from "../keys/keys.ts";
import { planSigningRotation } from "../keys/rotate.ts";
import { withPage } from "./carry-out.ts";
import type { ManifestHome } from "./home.ts";
import { isBegun, nextKeys, presentKeys } from "./next-keys.ts";
import { type ProjectKeys, ROOT_FILE } from "./project-keys.ts";
import { isEmpty } from "./repository/change.ts";
import { metadataBytes } from "./repository/metadata.ts";
import { readRoot } from "./repository/root.ts";
import { rotate } from "./repository/rotate.ts";
import { signersFrom } from "./repository/signers.ts";
import { openState, recoverState } from "./repository/state.ts";

export interface RotateRequest {
  readonly home: ManifestHome;
  readonly project: ProjectKeys;
  /** The private keys. */
  readonly folder: string;
  readonly now: Date;
  readonly dryRun: boolean;
  /** Gets each line for people. */
  readonly say: (line: string) => void;
}

/**
 * Replaces the keys of a role: new private keys first, then the manifest, then root.json of the project. Stopped
 * anywhere, the next run goes on with the keys that were made. Throws ManifestError, KeyError.
 */
export async function rotateKeys(
  request: RotateRequest & { readonly role: RoleName; readonly compromised: boolean },
): Promise<void> {
  const { home, project, folder, now, role, compromised, dryRun, say } = request;
  const read = await home.read();
  const state = (compromised && role === "online" ? recoverState : openState)(
    read.files,
    project.trustedRoot,
  );
  const rootFile = join(project.publicFolder, ROOT_FILE);
  // The project's root.json is written last: where it is behind, an earlier run did not come to its end.
  const behind = readRoot(project.trustedRoot).signed.version < state.root.signed.version;
  if (behind && !compromised && !isBegun(state, role)) {
    say(`${rootFile} gets root ${state.root.signed.version}, which an earlier rotation made`);
    if (dryRun) return say("not carried out: --dry-run");
    await writeAtomically(rootFile, metadataBytes(state.root));
    return say("commit it; to replace the key once more, run it again");
  }
  const signers = signersFrom(project.keys);
  const next =
    behind && compromised ? presentKeys(state, signers, role) : nextKeys(state, signers, role, folder);
  const signing = { signers: { ...signers, [role]: next.keys }, now };
  const { change, root } = rotate(state, { role, next: next.next, compromised }, signing);
  for (const name of next.made) say(`new key: ${join(folder, name)}`);
  for (const line of change.lines) say(line);
  if (dryRun) return say("not carried out: --dry-run");
  await next.write();
  if (!isEmpty(change)) {
    await home.publish(read, withPage(home, read.files, change, project.trustedRoot), `Rotate ${role}`);
  }
  await writeAtomically(rootFile, root);
  say(`written to ${home.place} and ${rootFile}`);
  say("commit keys/root.json, back up the new key, and set the secret anew where one holds the old key");
}

/** Replaces the signing certificate and its key under the same CA; nodes need not know. Throws KeyError. */
export async function rotateLeaf({ folder, now, dryRun, say }: RotateRequest): Promise<void> {
  const steps = await planSigningRotation(folder, now);
  for (const { what } of steps) say(what);
  if (dryRun) return say("not carried out: --dry-run");
  for (const step of steps) await step.carryOut();
  say("set the secrets PI_KEY_SIGNING and PI_CERT_SIGNING anew where releases are made on GitHub");
}
