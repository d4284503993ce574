import semver from "semver";
import { LARGEST, STAGES, serialOfNumbers, type VersionNumbers } from "./serial.ts";

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

/** A version, or why the text is none: the rest of a sentence. */
export type ReadVersion = { readonly version: Version } | { readonly why: string };

/**
 * Reads `1.2.3` or `1.2.3-rc.1`, as it stands after the `v` of a tag. None is what is incomplete, has build metadata,
 * a stage other than alpha, beta and rc, or a number so large that serials would overlap.
 */
export function readVersion(text: string): ReadVersion {
  const parsed = semver.parse(text);
  // Not `raw`: semver lets a `v` and white space pass.
  const [bare] = text.split("+");
  if (parsed === null || parsed.version !== bare) return { why: "it is not MAJOR.MINOR.PATCH" };
  if (parsed.build.length > 0) return { why: `build metadata (+${parsed.build.join(".")}) has no order` };
  const { major, minor, patch } = parsed;
  if (major > LARGEST.major || minor > LARGEST.minor || patch > LARGEST.patch) {
    return { why: `numbers go up to ${LARGEST.major}.${LARGEST.minor}.${LARGEST.patch}` };
  }
  const read = readStage(parsed.prerelease);
  if (typeof read === "string") return { why: read };
  return {
    version: {
      tag: `v${parsed.version}`,
      text: parsed.version,
      prerelease: read !== undefined,
      channel: read === undefined ? "stable" : "beta",
      serial: serialOfNumbers({ major, minor, patch, stage: read }),
    },
  };
}

/** What comes before a version, undefined for the version itself; a text: why it is none of both. */
function readStage(prerelease: readonly (string | number)[]): VersionNumbers["stage"] | string {
  if (prerelease.length === 0) return undefined;
  const [text, number, ...more] = prerelease;
  const name = STAGES.find((stage) => stage === text);
  if (name === undefined || typeof number !== "number" || more.length > 0) {
    return `"-${prerelease.join(".")}" is none of -alpha.N, -beta.N, -rc.N`;
  }
  return number > LARGEST.prerelease ? `${name}.N goes up to ${LARGEST.prerelease}` : { name, number };
}
