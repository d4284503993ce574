import { resolve } from "node:path";
import type { BuiltImage } from "../lib/emulator/find-image.ts";
import type { CliContext } from "./context.ts";
import { makePlan } from "./plan.ts";

/**
 * The image a person means, by its path or by the profile it was last built of, and what it is known to be.
 * Throws DefinitionError, EmulatorError NO_BUILD.
 */
export async function chooseImage(context: CliContext, wanted: string, file?: string): Promise<BuiltImage> {
  const { findBuiltImage, isImagePath } = await import("../lib/emulator/find-image.ts");
  if (isImagePath(wanted)) return { image: resolve(wanted), expected: {} };
  const { plan, builds } = await makePlan(context, file);
  const planned = builds.find(({ build }) => build.profile === wanted);
  if (planned === undefined) {
    const [{ EmulatorError }, { suggest }] = await Promise.all([
      import("../lib/emulator/failure.ts"),
      import("../lib/cluster/nearest.ts"),
    ]);
    const names = plan.builds.map(({ profile }) => profile);
    const fix = `${suggest(wanted, "profiles", names)}; an image is named by its path: ./${wanted}.img.zst`;
    throw new EmulatorError("NO_BUILD", `no image is made of a profile "${wanted}"`, { fix });
  }
  const { build, state } = planned;
  const found = await findBuiltImage(context.cacheDir, { ...build, cluster: plan.cluster });
  if (state.state === "changed") {
    const what = state.changed.join(", ");
    context.reporter.warn(`${wanted} changed since this image was built (${what}): ./pi build ${wanted}`);
  }
  return found;
}
