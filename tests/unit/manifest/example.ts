import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { canonicalize } from "@tufjs/canonical-json";
import type { Keys, RoleKey, RoleName } from "../../../lib/keys/keys.ts";
import { auditHome } from "../../../lib/manifest/audit.ts";
import { filesAfter, type ManifestChange } from "../../../lib/manifest/repository/change.ts";
import type { Signing } from "../../../lib/manifest/repository/publish.ts";
import { firstRoot } from "../../../lib/manifest/repository/root.ts";
import type { Signers } from "../../../lib/manifest/repository/signers.ts";
import { type ManifestFiles, type ManifestState, openState } from "../../../lib/manifest/repository/state.ts";
import { addRelease, type PublishedRelease } from "../../../lib/manifest/repository/targets.ts";
import type { ReleaseDocument } from "../../../lib/release/document.ts";
import { parseVersion } from "../../../lib/release/version.ts";

const sha256 = (text: string | Uint8Array): string => createHash("sha256").update(text).digest("hex");

/** An ed25519 key that is always the same for a name: tests stay repeatable. */
export function keyCalled(name: string): RoleKey {
  const head = Buffer.from("302e020100300506032b657004220420", "hex");
  const seed = createHash("sha256").update(name).digest();
  const key = createPrivateKey({ key: Buffer.concat([head, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  const publicHex = spki.subarray(12).toString("hex");
  const object = { keytype: "ed25519", scheme: "ed25519", keyval: { public: publicHex } };
  const keyId = sha256(canonicalize(object));
  return { name, keyId, publicHex, sign: (bytes) => sign(null, bytes, key) };
}

export const START = new Date("2026-11-01T12:00:00Z");
export const daysOn = (days: number, from = START): Date => new Date(from.getTime() + days * 86_400_000);

export function signersOf(names: Partial<Record<RoleName, readonly string[]>> = {}): Signers {
  const keys = (role: RoleName) => (names[role] ?? [`${role}-1`]).map(keyCalled);
  return {
    place: "the test",
    development: false,
    root: keys("root"),
    targets: keys("targets"),
    online: keys("online"),
  };
}

export function keysOf(signers: Signers): Keys {
  return {
    place: signers.place,
    development: signers.development,
    role: (role) => signers[role],
    signing: () => {
      throw new Error("not asked for here");
    },
  };
}

/** keys/root.json of a cluster whose keys are those of `signersOf(names)`. */
export function rootOf(
  names: Partial<Record<RoleName, readonly string[]>> = {},
  thresholds: Partial<Record<RoleName, number>> = {},
  now = START,
): Uint8Array {
  const { root, targets, online } = signersOf(names);
  const role = (keys: readonly RoleKey[], name: RoleName) => ({ keys, threshold: thresholds[name] ?? 1 });
  const content = {
    root: role(root, "root"),
    targets: role(targets, "targets"),
    online: role(online, "online"),
  };
  return firstRoot(content, root, now);
}

/** A release as its store would hold it: two builds, each with image, bundle and the rest. */
export function exampleRelease(tag: string, content = "as it is"): PublishedRelease {
  const { text, serial, channel } = parseVersion(tag);
  const builds = ["server", "agent"].map((profile) => {
    const name = `home-${profile}-rpi-arm64-${text}`;
    return {
      ...{ id: `${profile}-rpi-arm64`, profile, board: "rpi-arm64", compatible: `home-${profile}-rpi-arm64` },
      ...{ buildId: sha256(`${name} ${content}`), version: text, serial },
      ...{ image: `${name}.img.zst`, bundle: `${name}.raucb` },
      ...{ sbom: `${name}.cdx.json`, buildinfo: `${name}.buildinfo.json` },
      slot: { bytes: 4096, sha256: sha256(`slot ${name} ${content}`) },
      disk: { bytes: 8192, sha256: sha256(`disk ${name}`) },
      boot: { machine: "raspi3b", checks: 25, loginSeconds: 55.8 },
    };
  });
  const names = builds.flatMap(({ image, bundle, sbom, buildinfo }) => [image, bundle, sbom, buildinfo]);
  const document: ReleaseDocument = {
    ...{ format: 1, cluster: "home", tag, commit: "0123456789".repeat(4), date: "2026-11-01T10:00:00Z" },
    ...{ channel, development: false, builds },
    assets: names.map((name) => ({
      name,
      bytes: Buffer.byteLength(assetContent(name, content)),
      sha256: sha256(assetContent(name, content)),
    })),
  };
  const file = JSON.stringify(document);
  return { document, file: { bytes: Buffer.byteLength(file), sha256: sha256(file) } };
}

export const assetContent = (name: string, content = "as it is"): string => `${name} ${content}`;

export const choices = { urlsOf: (tag: string, name: string) => [`releases/${tag}/${name}`] };

/** A manifest's home in memory: plans are carried out at once, and what they leave is checked. */
export class Bench {
  files: ManifestFiles = new Map();
  trusted: Uint8Array;
  signing: Signing;
  /** What the last change said. */
  lines: readonly string[] = [];
  /** What the last change wrote and removed. */
  last: ManifestChange = { lines: [], writes: [], removes: [] };

  constructor(trusted = rootOf(), signers = signersOf(), now = START) {
    this.trusted = trusted;
    this.signing = { signers, now };
  }

  get state(): ManifestState {
    return openState(this.files, this.trusted);
  }

  /** Later, and with other keys where some are named. */
  at(days: number, signers = this.signing.signers): this {
    this.signing = { signers, now: daysOn(days) };
    return this;
  }

  do(plan: (state: ManifestState, signing: Signing) => ManifestChange): this {
    return this.carryOut(plan(this.state, this.signing));
  }

  carryOut(change: ManifestChange): this {
    this.files = filesAfter(this.files, change);
    auditHome(this.files, this.trusted);
    this.lines = change.lines;
    this.last = change;
    return this;
  }

  release(tag: string): this {
    return this.do((state, signing) => addRelease(state, exampleRelease(tag), choices, signing));
  }

  get names(): string[] {
    return [...this.files.keys()].sort();
  }
}
