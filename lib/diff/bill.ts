import { z } from "zod";
import { DiffError } from "./failure.ts";
import type { Records } from "./records.ts";

/** As much of a CycloneDX document as our own have (lib/image/build/sbom.ts). */
export const billOfMaterials = z.object({
  bomFormat: z.literal("CycloneDX"),
  components: z.array(z.object({ name: z.string(), version: z.string(), purl: z.string().optional() })),
});

/**
 * The packages a bill of materials of ours names, by `name:architecture` as an image's own records have them;
 * firmware, which is not installed, by name. Throws DiffError BILL.
 */
export function packagesOfBill(text: string, file: string): Records {
  try {
    const { components } = billOfMaterials.parse(JSON.parse(text));
    return new Map(components.map(({ name, version, purl = "" }) => [keyOf(name, purl), { version }]));
  } catch (cause) {
    throw new DiffError("BILL", "this is not a CycloneDX document of ours", { place: { file }, cause });
  }
}

/** `pkg:deb/debian/bash@5.2?arch=arm64&distro=debian-13`: the only place that says the architecture. */
function keyOf(name: string, purl: string): string {
  const architecture = new URLSearchParams(purl.split("?")[1] ?? "").get("arch");
  return architecture === null ? name : `${name}:${architecture}`;
}
