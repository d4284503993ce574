import { ASSET_NAME } from "./document.ts";
import { ReleaseError } from "./failure.ts";
import { ASSET_LIMITS } from "./limits.ts";
import type { WantedAsset } from "./store.ts";

/** The file of a local release that holds its notes; on GitHub they are the release's text. */
export const NOTES_FILE = "notes.md";

const LONGEST_NAME = 255;

/**
 * Refuses, before anything is sent, what a store would refuse or change afterwards. Throws ReleaseError NAME,
 * TOO_LARGE or TOO_MANY; all names that are wrong are told at once.
 */
export function checkAssets(wanted: readonly WantedAsset[]): void {
  if (wanted.length > ASSET_LIMITS.maxAssets) {
    throw new ReleaseError(
      "TOO_MANY",
      `a release has at most ${ASSET_LIMITS.maxAssets} files; this one has ${wanted.length}`,
      { fix: "release fewer profiles in one cluster" },
    );
  }
  const wrong = [...wanted.flatMap(({ name }) => whyNot(name)), ...sameNames(wanted)];
  if (wrong.length > 0) {
    throw new ReleaseError("NAME", "files of the release have names that a store would not keep", {
      details: wrong,
      fix: "use letters, digits, '.', '_' and '-', beginning and ending with a letter or digit",
    });
  }
  const large = wanted.filter(({ bytes }) => bytes > ASSET_LIMITS.maxBytes);
  if (large.length > 0) {
    throw new ReleaseError("TOO_LARGE", "files of the release are 2 GiB or larger", {
      details: large.map(({ name, bytes }) => `${name}: ${bytes} bytes`),
      fix: "take packages out of the profile; GitHub takes files smaller than 2147483648 bytes",
    });
  }
}

function whyNot(name: string): string[] {
  if (name.toLowerCase() === NOTES_FILE) return [`${name}: the notes have this name in a local store`];
  if (name.length > LONGEST_NAME) return [`${name}: longer than ${LONGEST_NAME} characters`];
  return ASSET_NAME.test(name) ? [] : [`${JSON.stringify(name)}: other characters`];
}

/** GitHub tells names apart by case, people's file systems may not. */
function sameNames(wanted: readonly WantedAsset[]): string[] {
  const seen = new Map<string, string>();
  return wanted.flatMap(({ name }) => {
    const first = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), first ?? name);
    return first === undefined ? [] : [`${name}: the same as ${first}, but for case`];
  });
}
