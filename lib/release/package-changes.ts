import { billOfMaterials } from "../diff/bill.ts";
import { ReleaseError } from "./failure.ts";

export interface PackageChange {
  readonly name: string;
  /** Undefined: it was not there. */
  readonly from?: string;
  /** Undefined: it is gone. */
  readonly to?: string;
}

function versionsIn(text: string, file: string): Map<string, string> {
  try {
    const { components } = billOfMaterials.parse(JSON.parse(text));
    return new Map(components.map(({ name, version }) => [name, version]));
  } catch (cause) {
    throw new ReleaseError("DOCUMENT", "this is not a CycloneDX document of ours", {
      place: { file },
      cause,
    });
  }
}

/**
 * What differs between two bills of materials, sorted by name. The names of the files are for messages.
 * Throws ReleaseError DOCUMENT.
 */
export function packageChanges(
  before: { readonly text: string; readonly file: string },
  after: { readonly text: string; readonly file: string },
): PackageChange[] {
  const [from, to] = [versionsIn(before.text, before.file), versionsIn(after.text, after.file)];
  return [...new Set([...from.keys(), ...to.keys()])]
    .sort()
    .filter((name) => from.get(name) !== to.get(name))
    .map((name) => {
      const [old, now] = [from.get(name), to.get(name)];
      return {
        name,
        ...(old === undefined ? {} : { from: old }),
        ...(now === undefined ? {} : { to: now }),
      };
    });
}

/** `+ htop 3.4.1-5`, `- nano 8.4-1`, `  curl 8.14.1-2 -> 8.14.1-3`. */
export function describeChange({ name, from, to }: PackageChange): string {
  if (from === undefined) return `+ ${name} ${to}`;
  if (to === undefined) return `- ${name} ${from}`;
  return `  ${name} ${from} -> ${to}`;
}
