import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exists, writeAtomically } from "../external/files.ts";
import { KeyError } from "../keys/failure.ts";
import { makeKeys, type PlannedFile, plannedKeys } from "../keys/make.ts";
import { openKeys } from "../keys/open.ts";
import { files } from "../keys/places.ts";
import { ManifestError } from "./failure.ts";
import { ROOT_FILE } from "./project-keys.ts";
import { firstRoot } from "./repository/root.ts";

export interface InitRequest {
  /** Where the private keys go. */
  readonly folder: string;
  /** `keys/` of the project. */
  readonly publicFolder: string;
  readonly cluster: string;
  /** Root keys, one per keeper, and how many of them must sign. */
  readonly roots: number;
  readonly threshold: number;
  readonly now: Date;
}

export interface InitResult {
  readonly made: readonly PlannedFile[];
  /** Whether the private keys were there already: an earlier run was stopped behind them. */
  readonly resumed: boolean;
}

/**
 * A cluster's keys: private halves into `folder`, public ones into `publicFolder`, root.json last. A run that was
 * stopped in between is continued. Throws KeyError; ManifestError ROOT where the cluster has keys already.
 */
export async function initKeys(request: InitRequest): Promise<InitResult> {
  const { folder, publicFolder, roots, threshold, now } = request;
  if (threshold < 1 || threshold > roots) {
    throw new ManifestError("NO_KEY", `${roots} root keys cannot give ${threshold} signatures`, {
      fix: "--threshold is at least 1 and at most --roots",
    });
  }
  if (await exists(join(publicFolder, ROOT_FILE))) {
    throw new ManifestError(
      "ROOT",
      `${join(publicFolder, ROOT_FILE)} is there: this cluster has keys already`,
      {
        fix: "./pi keys status shows them; ./pi keys rotate replaces one: nodes would not follow a new root",
      },
    );
  }
  const resumed = await makeKeys({ ...request, development: false }).then(
    () => false,
    (error: unknown) => {
      if (error instanceof KeyError && error.code === "EXISTS") return true;
      throw error;
    },
  );
  const keys = await openKeys({ folder, publicFolder });
  if (keys.role("root").length !== roots || keys.development) {
    throw new KeyError("EXISTS", `there are other keys in ${folder}: ${keys.role("root").length} root keys`, {
      fix: "name an empty folder: PI_KEYS=/another/folder ./pi keys init",
    });
  }
  const content = {
    root: { keys: keys.role("root"), threshold },
    targets: { keys: keys.role("targets"), threshold: 1 },
    online: { keys: keys.role("online"), threshold: 1 },
  };
  const root = firstRoot(content, keys.role("root"), now);
  await writeAtomically(join(publicFolder, files.ca), await readFile(join(folder, files.ca)));
  await writeAtomically(join(publicFolder, ROOT_FILE), root);
  return { made: plannedKeys({ roots, development: false }), resumed };
}
