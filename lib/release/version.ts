import semver from "semver";
import { readVersion, type Version } from "../cluster/version.ts";
import { ReleaseError } from "./failure.ts";

export type { Channel, Version } from "../cluster/version.ts";

const FIX = "write it as v1.2.3, or v1.2.3-rc.1 (alpha, beta or rc, and a number) for one before it";

/** A tag as a version. Throws ReleaseError VERSION: without `v`, and whatever is no version after it. */
export function parseVersion(tag: string): Version {
  const read = tag.startsWith("v") ? readVersion(tag.slice(1)) : { why: "it does not begin with v" };
  if ("version" in read) return read.version;
  throw new ReleaseError("VERSION", `${JSON.stringify(tag)} is no version: ${read.why}`, { fix: FIX });
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
