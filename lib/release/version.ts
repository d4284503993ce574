import semver from "semver";
import { ReleaseError } from "./failure.ts";

export type Channel = "stable" | "beta";

export interface Version {
  /** `v1.2.3-rc.1`. */
  readonly tag: string;
  /** `1.2.3-rc.1`. */
  readonly text: string;
  readonly prerelease: boolean;
  /** The channel a release of this version is made for; a stable one is in beta as well when newer. */
  readonly channel: Channel;
  readonly serial: number;
}

const STAGES = ["alpha", "beta", "rc"] as const;
const PER_STAGE = 300;
const LARGEST = { major: 8_999, minor: 999, patch: 999, prerelease: PER_STAGE - 1 };
const FIX = "write it as v1.2.3, or v1.2.3-rc.1 (alpha, beta or rc, and a number) for one before it";

/**
 * A tag as a version. Throws ReleaseError VERSION: without `v`, incomplete, with build metadata, with a stage
 * other than alpha, beta and rc, or with a number so large that serials would overlap.
 */
export function parseVersion(tag: string): Version {
  const refuse = (why: string): ReleaseError =>
    new ReleaseError("VERSION", `${JSON.stringify(tag)} is no version: ${why}`, { fix: FIX });
  if (!tag.startsWith("v")) throw refuse("it does not begin with v");
  const parsed = semver.parse(tag.slice(1));
  // Not `raw`: semver lets another v and white space pass.
  const [text] = tag.slice(1).split("+");
  if (parsed === null || parsed.version !== text) throw refuse("it is not vMAJOR.MINOR.PATCH");
  if (parsed.build.length > 0) throw refuse(`build metadata (+${parsed.build.join(".")}) has no order`);
  const { major, minor, patch } = parsed;
  if (major > LARGEST.major || minor > LARGEST.minor || patch > LARGEST.patch) {
    throw refuse(`numbers go up to ${LARGEST.major}.${LARGEST.minor}.${LARGEST.patch}`);
  }
  return {
    tag,
    text: parsed.version,
    prerelease: parsed.prerelease.length > 0,
    channel: parsed.prerelease.length > 0 ? "beta" : "stable",
    serial: ((major * 1000 + minor) * 1000 + patch) * 1000 + stageNumber(parsed.prerelease, refuse),
  };
}

/** 0 to 998 before a version, 999 for the version itself: a larger serial is a later version, always. */
function stageNumber(
  prerelease: readonly (string | number)[],
  refuse: (why: string) => ReleaseError,
): number {
  if (prerelease.length === 0) return 999;
  const [name, number, ...more] = prerelease;
  const stage = STAGES.map(String).indexOf(String(name));
  if (stage < 0 || typeof number !== "number" || more.length > 0) {
    throw refuse(`"-${prerelease.join(".")}" is none of -alpha.N, -beta.N, -rc.N`);
  }
  if (number > LARGEST.prerelease) throw refuse(`${name}.N goes up to ${LARGEST.prerelease}`);
  return stage * PER_STAGE + number;
}

/** Below zero where `a` comes before `b`. */
export function compareVersions(a: Version, b: Version): number {
  return semver.compare(a.text, b.text);
}

/** The tag that comes after the latest one when nobody names any: the next release candidate. */
export function nextPrerelease(latest: Version | undefined): Version {
  if (latest === undefined) return parseVersion("v0.1.0-rc.1");
  const next = semver.inc(latest.text, latest.prerelease ? "prerelease" : "prepatch", "rc", "1");
  if (next === null) throw new Error(`no version after ${latest.text}`);
  // From alpha or beta npm's rule goes to rc of the same version, which is later: fine.
  return parseVersion(`v${next}`);
}
