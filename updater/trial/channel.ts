import { readBounded } from "../../lib/external/bounded-file.ts";
import { lightSource } from "../../lib/external/light-source.ts";
import { withScratch } from "../../lib/external/scratch.ts";
import { Failure, messageOf } from "../../lib/failure.ts";
import { openManifest } from "../../lib/manifest/client/open.ts";
import { FETCH_TIMEOUT_MS, MAX_BYTES } from "../../lib/manifest/limits.ts";
import { readConfig } from "../config.ts";
import { UpdaterError } from "../failure.ts";
import type { UpdaterNode } from "../run.ts";
import type { ChannelProblem } from "./judge.ts";

/** That a manifest has run out since, or that nobody knows the time yet, is not the build's fault. */
const NEVER_TOO_LATE = new Date(0);

/**
 * Why a build cannot follow the channel by itself: it is the last one that could be replaced without a hand. Its own
 * settings and the root it carries are tried on what the server has now; what the build before has accepted is left
 * alone. Undefined: it can.
 */
export async function channelProblem({
  places,
}: Pick<UpdaterNode, "places">): Promise<ChannelProblem | undefined> {
  const ofBuild = (reason: string): ChannelProblem => ({ reason, heals: false });
  try {
    const { address } = await readConfig(places);
    if (address === undefined) return ofBuild("it was built without an address to look for updates at");
    const root = await readBounded(places.trustedRoot, MAX_BYTES.root);
    if (root.kind !== "content") return ofBuild(`${places.trustedRoot}: is missing`);
    const source = lightSource(address, { timeoutMs: FETCH_TIMEOUT_MS });
    await withScratch(places.run, "channel-", (folder) =>
      openManifest({ source, trustedRoot: root.bytes, folder, now: NEVER_TOO_LATE }),
    );
    return undefined;
  } catch (error) {
    const reason = messageOf(error);
    if (error instanceof UpdaterError) return ofBuild(reason);
    if (error instanceof Failure) return { reason, heals: true };
    throw error;
  }
}
