import { join } from "node:path";
import type { StoreName } from "../lib/release/open-store.ts";

/** Where releases go that name no other place: `store/` of the project, ignored by git. */
export function defaultStore(project: string): string {
  return join(project, "store");
}

/** What `--store` names, or the folder of the project. Throws ReleaseError STORE. */
export async function storeNamed(given: string | undefined, project: string): Promise<StoreName> {
  if (given === undefined) return { kind: "local", folder: defaultStore(project) };
  const { parseStore } = await import("../lib/release/open-store.ts");
  return parseStore(given);
}

/**
 * Throws ReleaseError STORE where a folder could not take a release: to be asked before minutes of building. What
 * is there may still run out later.
 */
export async function refuseUnwritable(place: StoreName): Promise<void> {
  if (place.kind !== "local") return;
  const { roomAt } = await import("../lib/external/files.ts");
  const { refuses } = await roomAt(place.folder);
  // There root may do anything by its rights, and the kernel nothing.
  const virtual = /^\/(?:proc|sys)\//.test(place.folder);
  if (refuses === undefined && !virtual) return;
  const { ReleaseError } = await import("../lib/release/failure.ts");
  throw new ReleaseError(
    "STORE",
    `the folder ${place.folder} cannot be written (${refuses ?? "no real folder"})`,
    {
      fix: "name another one: --store /another/folder",
    },
  );
}

const TOKEN = "GITHUB_TOKEN";

/** The environment as it is, and the token taken out of it, so that nothing started later has it. */
export function takeEnvironment(env: Record<string, string | undefined>): Record<string, string | undefined> {
  const taken = { ...env };
  delete env[TOKEN];
  return taken;
}
