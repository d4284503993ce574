import { cp, mkdir, open, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { BuiltImage } from "../../lib/image/build/results.ts";
import { throwAway } from "../../lib/keys/certificates.ts";
import { bundleOf, sealBundle } from "../../lib/release/build-files.ts";
import { parseVersion } from "../../lib/release/version.ts";
import { harmless, type NodeSession } from "./node-session.ts";
import { quietReporter, quietStep, world } from "./surroundings.ts";

/** A bundle of another kind in the place of the one of `released`. */
export async function craftBundle(
  session: NodeSession,
  kind: "unknown CA" | "other board" | "other digest",
  released: BuiltImage,
  bundle: string,
): Promise<void> {
  const { store, folder } = session;
  const { tools, keys } = store;
  const now = new Date();
  const image =
    kind === "other digest"
      ? await session.edited(`other-${basename(bundle)}`, harmless("another"))
      : released;
  const info = kind === "other board" ? { ...image.info, name: "home-server-rpi-arm64" } : image.info;
  const press = {
    ...({
      tools,
      world,
      reporter: quietReporter,
      cacheDir: folder,
      machine: "virt",
      identity: keys.signing(now),
    } as const),
    throwAway: () => throwAway(now, "home"),
  };
  const work = join(image.folder, `crafted-${basename(bundle)}`);
  await rm(work, { recursive: true, force: true });
  await mkdir(work);
  const { text: version, serial } = parseVersion(`v${/-(\d+\.\d+\.\d+)\.raucb$/.exec(bundle)?.[1]}`);
  const edition = { version, serial };
  const made = await bundleOf({ ...image, info }, edition, work, press, quietStep);
  await rm(bundle);
  // Its own throw-away keys signed it.
  if (kind === "unknown CA") await cp(made.bundle, bundle);
  else {
    const request = { from: made.bundle, throwAwayCa: made.throwAway.ca, to: bundle };
    await sealBundle(request, image.id, info, edition, press, quietStep);
  }
  await rm(work, { recursive: true, force: true });
}

/** Turns the bits of one byte of a file. */
export async function flip(path: string, at: number): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
    await handle.write(Buffer.from([(buffer[0] ?? 0) ^ 0xff]), 0, 1, at);
  } finally {
    await handle.close();
  }
}
