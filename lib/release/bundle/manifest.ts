/** What RAUC's own manifest inside a bundle says. */
export interface BundleManifest {
  /** `<cluster>-<profile>-<board>`: RAUC refuses a bundle that is not for the node. */
  readonly compatible: string;
  /** Without `v`. */
  readonly version: string;
  readonly serial: number;
  readonly buildId: string;
  /** SHA-256 (hex) of the slot's file system. */
  readonly slotDigest: string;
}

/** The slot's file as it is called in the bundle. */
export const SLOT_FILE = "rootfs.ext4";

/**
 * Text of `manifest.raucm`. Verity, because streaming needs it; the block hash index, because of it a node
 * downloads only what changed. `[meta.release]` reaches the node's pre-install handler as RAUC_META_RELEASE_*
 * (rauc 1.13, src/install.c), which is how a bundle is held against the update manifest before a byte is written.
 */
export function bundleManifest(manifest: BundleManifest): string {
  const { compatible, version, serial, buildId, slotDigest } = manifest;
  return [
    "[update]",
    `compatible=${compatible}`,
    `version=${version}`,
    `build=${buildId}`,
    "",
    "[bundle]",
    "format=verity",
    "",
    "[image.rootfs]",
    `filename=${SLOT_FILE}`,
    "adaptive=block-hash-index",
    "",
    "[meta.release]",
    `version=${version}`,
    `serial=${serial}`,
    `build=${buildId}`,
    `digest=${slotDigest}`,
    "",
  ].join("\n");
}
