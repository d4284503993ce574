import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { ProcessError } from "../../external/process.ts";
import type { World } from "../../external/world.ts";
import type { ToolsTree } from "../../image/tools/tree.ts";
import { ReleaseError } from "../failure.ts";
import { timeouts } from "../limits.ts";
import type { BundleManifest } from "./manifest.ts";

const image = z.object({
  filename: z.string(),
  checksum: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.int().nonnegative(),
});

/** What `rauc info --output-format=json` says, as far as it is used (rauc 1.13, src/main.c). */
const infoOutput = z.object({
  compatible: z.string(),
  version: z.string(),
  build: z.string(),
  format: z.literal("verity"),
  images: z.array(z.record(z.string(), image)).length(1),
});

/** A bundle whose signature holds. */
export interface BundleInfo {
  readonly compatible: string;
  readonly version: string;
  readonly buildId: string;
  readonly slot: { readonly bytes: number; readonly sha256: string };
}

/**
 * Reads a bundle that is signed under the CA (PEM). Throws ReleaseError BUNDLE where it is not, or where it is
 * not the one kind of bundle this project makes.
 */
export async function readBundleInfo(
  bundle: string,
  ca: string,
  tools: ToolsTree,
  world: World,
): Promise<BundleInfo> {
  const keyring = `${bundle}.keyring-${randomBytes(4).toString("hex")}.pem`;
  await writeFile(keyring, ca);
  try {
    const { stdout } = await world.processes.run(
      tools.command(["rauc", "info", `--keyring=${keyring}`, "--output-format=json", bundle], {
        binds: [{ source: dirname(bundle), readOnly: true }],
        env: { LC_ALL: "C.UTF-8" },
        timeoutMs: timeouts.short,
        signal: world.signal,
      }),
    );
    const { compatible, version, build, images } = infoOutput.parse(JSON.parse(stdout));
    const rootfs = images[0]?.rootfs;
    if (rootfs === undefined) throw new Error("it has no image for the slot");
    return { compatible, version, buildId: build, slot: { bytes: rootfs.size, sha256: rootfs.checksum } };
  } catch (cause) {
    if (world.signal.aborted) throw cause;
    const details = cause instanceof ProcessError ? cause.details : [];
    throw new ReleaseError("BUNDLE", `${bundle} is no bundle that nodes of this cluster would take`, {
      details: details.slice(-5),
      cause,
    });
  } finally {
    await rm(keyring, { force: true });
  }
}

/** What a bundle says of itself, held against what it was made of: the lines that differ. */
export function bundleDifferences(info: BundleInfo, expected: BundleManifest): string[] {
  const pairs = [
    ["compatible", info.compatible, expected.compatible],
    ["version", info.version, expected.version],
    ["build", info.buildId, expected.buildId],
    ["digest of the slot", info.slot.sha256, expected.slotDigest],
  ] as const;
  return pairs.flatMap(([name, found, wanted]) =>
    found === wanted ? [] : [`${name}: ${found} instead of ${wanted}`],
  );
}
