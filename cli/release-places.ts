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

const TOKEN = "GITHUB_TOKEN";

/** The environment as it is, and the token taken out of it, so that nothing started later has it. */
export function takeEnvironment(env: Record<string, string | undefined>): Record<string, string | undefined> {
  const taken = { ...env };
  delete env[TOKEN];
  return taken;
}
