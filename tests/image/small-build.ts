import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildInfo, BuiltImage } from "../../lib/image/build/results.ts";

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** A build as the cache holds one, of a few hundred kilobytes. */
export async function smallBuild(folder: string, profile = "agent"): Promise<BuiltImage> {
  const build = join(folder, `build-${profile}`);
  await mkdir(build, { recursive: true });
  // RAUC refuses a bundle that compresses to nothing.
  const slot = randomBytes(512 * 1024);
  const disk = Buffer.alloc(256 * 1024, `disk ${profile} `);
  const info: BuildInfo = {
    ...{ version: 1, name: `home-${profile}-rpi-arm64`, cluster: "home", profile, board: "rpi-arm64" },
    ...{
      buildId: sha256(`build ${profile}`),
      inputs: {},
      builder: "chroot",
      tools: sha256("tools"),
      durationMs: 1,
    },
    base: { sha256: sha256("base"), epoch: 1_760_000_000 },
    tree: { sha256: sha256("tree") },
    slot: { bytes: slot.length, sha256: sha256(slot) },
    disk: { bytes: disk.length, sha256: sha256(disk) },
  };
  await writeFile(join(build, "slot.ext4"), slot);
  execFileSync("zstd", ["-q", "-o", join(build, "disk.img.zst")], { input: disk });
  await writeFile(join(build, "sbom.cdx.json"), "{}");
  await writeFile(join(build, "buildinfo.json"), JSON.stringify(info));
  const image = join(build, "disk.img.zst");
  return { id: `${profile}-rpi-arm64`, info, reused: false, folder: build, image };
}
