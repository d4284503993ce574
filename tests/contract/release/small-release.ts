import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256OfText } from "../../../lib/external/files.ts";
import { signDetached } from "../../../lib/keys/cms.ts";
import type { SigningIdentity } from "../../../lib/keys/keys.ts";
import type { PublishedRelease } from "../../../lib/manifest/repository/targets.ts";
import type { ReleaseDocument } from "../../../lib/release/document.ts";
import type { WantedAsset } from "../../../lib/release/store.ts";
import { formatSums } from "../../../lib/release/sums.ts";
import { exampleRelease } from "../../unit/manifest/example.ts";

export interface SmallRelease extends PublishedRelease {
  readonly assets: readonly WantedAsset[];
}

/** A release in `folder` whose images and bundles are a few bytes; everything that is signed is signed for real. */
export async function smallRelease(
  tag: string,
  folder: string,
  identity: SigningIdentity,
): Promise<SmallRelease> {
  mkdirSync(folder, { recursive: true });
  const { document: example } = exampleRelease(tag);
  const write = (name: string, content: string | Uint8Array): WantedAsset => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return { name, path, bytes: Buffer.from(content).length, sha256: sha256OfText(content) };
  };
  const builds = example.builds.flatMap(({ image, bundle, sbom, buildinfo }) =>
    [image, bundle, sbom, buildinfo].map((name) => write(name, `what ${name} holds\n`.repeat(20))),
  );
  const sums = formatSums(builds);
  const signed = [write("SHA256SUMS", sums)];
  signed.push(write("SHA256SUMS.p7s", await signDetached(Buffer.from(sums), identity)));
  const listed = [...builds, ...signed];
  const document: ReleaseDocument = {
    ...example,
    assets: listed.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
  };
  const own = write("release.json", `${JSON.stringify(document, null, 2)}\n`);
  return { document, file: { bytes: own.bytes, sha256: own.sha256 }, assets: [...listed, own] };
}
