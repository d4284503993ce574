import { NODE_PACKAGE } from "../../cluster/node-runtime.ts";
import type { InstalledPackage } from "../base/dpkg-status.ts";

export interface SbomRequest {
  /** `<cluster>-<profile>-<board>`. */
  readonly name: string;
  readonly buildId: string;
  readonly packages: readonly InstalledPackage[];
  /** Unpacked to p1, not installed. */
  readonly firmware: readonly Omit<InstalledPackage, "architecture">[];
  /** Of the updater's runtime, which no package of Debian brings; undefined: nodes have none. */
  readonly node?: { readonly version: string };
  /** Seconds since 1970. */
  readonly epoch: number;
}

/** The image's bill of materials as CycloneDX 1.6 JSON, from dpkg's own records. */
export async function sbom(request: SbomRequest): Promise<string> {
  // A large library that only a finished build needs.
  const { Enums, Models, Serialize, Spec } = await import("@cyclonedx/cyclonedx-library");
  const { PackageURL } = await import("packageurl-js");
  const bom = new Models.Bom({ version: 1 });
  bom.metadata.timestamp = new Date(request.epoch * 1000);
  bom.metadata.component = new Models.Component(Enums.ComponentType.OperatingSystem, request.name, {
    version: request.buildId,
    bomRef: request.name,
  });
  type Entry = Omit<InstalledPackage, "architecture"> & { readonly architecture?: string };
  const add = (entry: Entry, type: (typeof Enums.ComponentType)["Firmware" | "Library"]): void => {
    const { name, version, architecture, source } = entry;
    const arch = architecture === undefined ? {} : { arch: architecture };
    const purl = new PackageURL(
      "deb",
      "debian",
      name,
      version,
      { ...arch, distro: "debian-13" },
      undefined,
    ).toString();
    const component = new Models.Component(type, name, { version, bomRef: purl, purl });
    component.properties.add(new Models.Property("debian:source", source));
    bom.components.add(component);
  };
  for (const entry of request.packages) add(entry, Enums.ComponentType.Library);
  for (const entry of request.firmware) add(entry, Enums.ComponentType.Firmware);
  if (request.node !== undefined) {
    const { version } = request.node;
    const purl = new PackageURL("npm", undefined, NODE_PACKAGE, version, undefined, undefined).toString();
    const type = Enums.ComponentType.Application;
    bom.components.add(new Models.Component(type, NODE_PACKAGE, { version, bomRef: purl, purl }));
  }
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 });
}
