import { ImageError } from "../failure.ts";

/** One package as the archive offers it. */
export interface ResolvedPackage {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

/**
 * Reads `apt-get --print-uris install` (with Acquire::ForceHash=sha256):
 * `'URI' NAME_VERSION_ARCH.deb SIZE SHA256:HEX` a line, version percent-encoded as in the file name.
 * Sorted by name, so that equal selections give equal lists.
 */
export function parsePrintUris(output: string): ResolvedPackage[] {
  const packages: ResolvedPackage[] = [];
  for (const line of output.split("\n")) {
    const match = /^'[^']+' ([^_\s]+)_([^_\s]+)_[^_\s]+\.deb \d+(?: SHA256:([0-9a-f]{64}))?/.exec(line);
    if (match === null) continue;
    const [, name = "", version = "", sha256] = match;
    if (sha256 === undefined) {
      throw new ImageError("ARCHIVE", `the archive gives no SHA-256 for ${name} ${version}`);
    }
    packages.push({ name, version: decodeURIComponent(version), sha256 });
  }
  return packages.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The list as it is written down, digested and compared: `name=version sha256` a line. */
export function formatResolution(packages: readonly ResolvedPackage[]): string {
  return packages.map((entry) => `${entry.name}=${entry.version} ${entry.sha256}\n`).join("");
}

export function parseResolution(text: string): ResolvedPackage[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const match = /^([^=\s]+)=(\S+) ([0-9a-f]{64})$/.exec(line);
      if (match === null)
        throw new ImageError("ARCHIVE", `not a line of a package list: ${JSON.stringify(line)}`);
      const [, name = "", version = "", sha256 = ""] = match;
      return { name, version, sha256 };
    });
}

/** Lists of names: `#` comments and empty lines are skipped. */
export function parsePackageNames(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "")
    .sort();
}

/** The newest `Date:` of the archive's signed Release files, in seconds since 1970. */
export function newestReleaseDate(releases: readonly string[]): number {
  const dates = releases.flatMap((release) => {
    const date = /^Date: (.+)$/m.exec(release)?.[1];
    const time = date === undefined ? Number.NaN : Date.parse(date);
    return Number.isNaN(time) ? [] : [Math.floor(time / 1000)];
  });
  if (dates.length === 0) throw new ImageError("ARCHIVE", "no Release file of the archive carries a date");
  return Math.max(...dates);
}
