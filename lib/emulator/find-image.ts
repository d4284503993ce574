import { join } from "node:path";
import { lastBuilds, recordPath } from "../cluster/records.ts";
import { exists } from "../external/files.ts";
import type { ExpectedBuild } from "./checks.ts";
import { EmulatorError } from "./failure.ts";

export interface BuiltImage {
  readonly image: string;
  readonly expected: ExpectedBuild;
}

/** Whether a person means a file, not a profile: profiles are DNS labels. */
export function isImagePath(text: string): boolean {
  return text.includes("/") || /\.(img|zst|raucb)$/.test(text);
}

/** The image of the last finished build of a profile on this machine. @throws EmulatorError NO_BUILD */
export async function findBuiltImage(
  cacheDir: string,
  build: { readonly cluster: string; readonly profile: string; readonly board: string },
): Promise<BuiltImage> {
  const { cluster, profile, board } = build;
  const key = `${profile}-${board}`;
  const fix = `./pi build ${profile}`;
  const record = (await lastBuilds(cacheDir, cluster, [key]))[key];
  if (record === undefined) {
    const at = recordPath(cacheDir, cluster, key);
    throw new EmulatorError("NO_BUILD", `profile ${profile} was never built here: there is no ${at}`, {
      fix,
    });
  }
  const image = join(cacheDir, "builds", record.buildId, "disk.img.zst");
  if (!(await exists(image))) {
    const text = `the last build of profile ${profile} is no longer in the cache: there is no ${image}`;
    throw new EmulatorError("NO_BUILD", text, { fix });
  }
  return { image, expected: { cluster, profile, board, buildId: record.buildId } };
}
