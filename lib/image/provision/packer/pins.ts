import { readFile } from "node:fs/promises";
import semver from "semver";
import { z } from "zod";
import { asset } from "../../../external/assets.ts";
import { PackerError } from "./failure.ts";

const digest = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hex digits");
const file = z.strictObject({
  url: z.url({ protocol: /^https$/ }),
  /** Null where no digest was ever seen: the publisher's list is then fetched and believed, with a warning. */
  sha256: digest.nullable(),
});
const files = z.strictObject({ x64: file, arm64: file });
const version = z.string().refine((value) => semver.valid(value) === value, "a version such as 1.16.0");

const pinsSchema = z.strictObject({
  packer: z.strictObject({
    version,
    accepts: z.string().refine((value) => semver.validRange(value) !== null, "a range such as >=1.16.0 <2"),
    sums: z.url({ protocol: /^https$/ }),
    files,
  }),
  plugin: z.strictObject({
    version,
    source: z.string().regex(/^[a-z0-9.-]+\/[\w-]+\/[\w-]+$/, "host/owner/name"),
    sums: z.url({ protocol: /^https$/ }),
    files,
  }),
});

/** Which Packer and which plugin are used, and what their files must be. */
export type Pins = z.infer<typeof pinsSchema>;
export type PinnedTool = keyof Pins;
export type HostArch = keyof Pins["packer"]["files"];

export const TOOLS: readonly PinnedTool[] = ["packer", "plugin"];
export const ARCHES: readonly HostArch[] = ["x64", "arm64"];
export const pinsPath: string = asset("packer", "pins.json");

/** Reads pins from a file's text; `path` is named in errors. Throws PackerError PINS. */
export function parsePins(text: string, path: string): Pins {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PackerError("PINS", "not JSON", { place: { file: path }, cause });
  }
  const parsed = pinsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new PackerError("PINS", "the pins are not as they should be", {
    place: { file: path },
    details,
    fix: "take the file as it is in the repository, then ./pi pin packer",
  });
}

export async function readPins(path: string = pinsPath): Promise<Pins> {
  return parsePins(await readFile(path, "utf8"), path);
}

/** Node's name of an architecture, where packer is built for it. Throws PackerError UNKNOWN_HOST. */
export function hostArch(arch: string): HostArch {
  const found = ARCHES.find((known) => known === arch);
  if (found !== undefined) return found;
  throw new PackerError(
    "UNKNOWN_HOST",
    `packer is pinned for ${ARCHES.join(" and ")}, this machine is ${arch}`,
    {
      fix: "build with --builder chroot",
    },
  );
}

/** Digests by file name, of a text in the form of sha256sum; other lines are left out. */
export function parseSums(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, sha256, name] = /^([0-9a-f]{64}) [ *](\S+)$/.exec(line.trim()) ?? [];
    if (sha256 !== undefined && name !== undefined) sums.set(name, sha256);
  }
  return sums;
}

export function fileName(url: string): string {
  return new URL(url).pathname.split("/").at(-1) ?? "";
}

export interface PinChange {
  readonly tool: PinnedTool;
  readonly arch: HostArch;
  readonly sha256: string;
}

export interface PinPlan {
  /** Digests that were absent and are now known. */
  readonly changes: readonly PinChange[];
  /** The pins with them. */
  readonly pins: Pins;
}

/**
 * What `./pi pin packer` would write: the publishers' digests where there are none yet. A digest that is
 * there is never replaced: when the publisher's list says another one, or does not name the file, that is
 * an error (PackerError PINS).
 */
export function planPins(pins: Pins, sums: Readonly<Record<PinnedTool, Map<string, string>>>): PinPlan {
  const next = structuredClone(pins);
  const changes: PinChange[] = [];
  for (const tool of TOOLS) {
    for (const arch of ARCHES) {
      const { url, sha256 } = pins[tool].files[arch];
      const published = sums[tool].get(fileName(url));
      if (published === undefined) {
        throw new PackerError("PINS", `${pins[tool].sums} does not name ${fileName(url)}`, {
          fix: "check version and addresses in packer/pins.json",
        });
      }
      if (sha256 === null) {
        next[tool].files[arch].sha256 = published;
        changes.push({ tool, arch, sha256: published });
      } else if (sha256 !== published) {
        throw new PackerError(
          "PINS",
          `${fileName(url)} is pinned to ${sha256}, its publisher now says ${published}`,
          {
            fix: "a published file must not change: find out why before pinning the new digest by hand",
          },
        );
      }
    }
  }
  return { changes, pins: next };
}
