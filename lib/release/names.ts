/** The files of one image in a release, by what they are. */
export interface BuildAssetNames {
  readonly image: string;
  readonly bundle: string;
  readonly sbom: string;
  readonly buildinfo: string;
}

export const SUMS = "SHA256SUMS";
export const SUMS_SIGNATURE = "SHA256SUMS.p7s";
export const RELEASE_DOCUMENT = "release.json";

/** Names of a build's files: `<cluster>-<profile>-<board>-<version>.<kind>`. `version` is without `v`. */
export function buildAssetNames(compatible: string, version: string): BuildAssetNames {
  const stem = `${compatible}-${version}`;
  return {
    image: `${stem}.img.zst`,
    bundle: `${stem}.raucb`,
    sbom: `${stem}.cdx.json`,
    buildinfo: `${stem}.buildinfo.json`,
  };
}
