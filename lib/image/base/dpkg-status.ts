import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The source package; licences and security notices go by it. */
  readonly source: string;
}

/** Reads dpkg's status database (deb822): the packages that are installed, sorted by name. */
export function parseDpkgStatus(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  for (const paragraph of text.split(/\n\n+/)) {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}: (.*)$`, "m").exec(paragraph)?.[1];
    const name = field("Package");
    const version = field("Version");
    if (name === undefined || version === undefined || !/^Status: \S+ \S+ installed$/m.test(paragraph))
      continue;
    const source = (field("Source") ?? name).split(" ")[0] ?? name;
    packages.push({ name, version, architecture: field("Architecture") ?? "all", source });
  }
  return packages.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

export async function installedPackages(root: string): Promise<InstalledPackage[]> {
  return parseDpkgStatus(await readFile(join(root, "var/lib/dpkg/status"), "utf8"));
}
