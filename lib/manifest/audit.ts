import { sha256OfText } from "../external/files.ts";
import { parseChannel } from "./channel.ts";
import { ManifestError } from "./failure.ts";
import { NO_JEKYLL, PAGE, pageOf } from "./page.ts";
import { readMetadata, type Signed } from "./repository/metadata.ts";
import { CHANNEL_FILE, PENDING, parseVersionedName, TIMESTAMP } from "./repository/names.ts";
import { countSignatures, refuseStrangers, roleIn } from "./repository/signatures.ts";
import { type ManifestFiles, type ManifestState, openState } from "./repository/state.ts";

const refuse = (path: string, why: string): ManifestError =>
  new ManifestError("FILE", `${path}: ${why}`, { fix: "it was damaged or tampered with: do not use it" });

/** An older version: signed as one of the roots there ever were has it. */
function checkOlder(
  roots: readonly Signed<"root">[],
  path: string,
  content: Uint8Array,
  kind: "targets" | "snapshot",
  version: number,
): void {
  const metadata = readMetadata(kind, path, content);
  if (metadata.signed.version !== version)
    throw refuse(path, `says it is version ${metadata.signed.version}`);
  if (!roots.some((root) => countSignatures(root, kind, metadata) >= roleIn(root, kind).threshold)) {
    throw refuse(path, "no root there ever was accepts its signatures");
  }
  refuseStrangers(roots, kind, path, metadata);
}

function checkFile(state: ManifestState, path: string, content: Uint8Array): void {
  const versioned = parseVersionedName(path);
  const digest = CHANNEL_FILE.exec(path)?.[1];
  if (versioned?.kind === "root" || path === TIMESTAMP) return;
  if (versioned !== undefined) {
    checkOlder(state.roots, path, content, versioned.kind, versioned.version);
  } else if (digest !== undefined) {
    if (sha256OfText(content) !== digest) throw refuse(path, "has not the digest it is named by");
    parseChannel(path, content);
  } else if (path === PENDING) {
    refuseStrangers(state.roots, "targets", path, readMetadata("targets", path, content));
  } else if (path === PAGE) {
    if (!Buffer.from(content).equals(Buffer.from(pageOf(state))))
      throw refuse(path, "is not the page of this state");
  } else if (path === NO_JEKYLL) {
    if (content.byteLength > 0) throw refuse(path, "is not empty");
  } else {
    throw refuse(path, "is no file of a manifest");
  }
}

/**
 * Checks every file of a home, also those no reader asks for any more: a byte changed anywhere is found, but in
 * a waiting targets version that nobody signed yet. Expiry is not looked at: openManifest does. `trusted`: the
 * content of keys/root.json. Throws ManifestError, which names the file.
 */
export function auditHome(files: ManifestFiles, trusted: Uint8Array): ManifestState {
  const state = openState(files, trusted);
  for (const [path, content] of files) checkFile(state, path, content);
  return state;
}
