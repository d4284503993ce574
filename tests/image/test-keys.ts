import { cp } from "node:fs/promises";
import { developmentKeys, type ProjectKeys } from "../../lib/manifest/project-keys.ts";
import { cacheDir } from "./surroundings.ts";

/** Where the tests' own keys lie: beside the cache, so that groups after each other make the same images. */
export const testKeys = process.env.PI_TEST_KEYS ?? `${cacheDir}-test-keys`;

/** Keys made at first use, which no node outside the tests trusts. */
export function openTestKeys(cluster: string, folder: string = testKeys): Promise<ProjectKeys> {
  return developmentKeys({ cluster, env: { PI_KEYS: folder }, now: new Date() });
}

/** The same keys as the development keys of somebody whose PI_KEYS is `folder`. */
export async function copyTestKeys(cluster: string, folder: string): Promise<void> {
  await openTestKeys(cluster);
  await cp(`${testKeys}-development`, `${folder}-development`, { recursive: true });
}
