import type { ReleaseDocument } from "../lib/release/document.ts";
import type { ReleaseStore } from "../lib/release/store.ts";
import type { CliContext } from "./context.ts";
import type { ReleaseKeys } from "./release-keys.ts";
import type { StorePlace } from "./release-places.ts";

export interface Announcement {
  readonly place: StorePlace;
  readonly store: ReleaseStore;
  readonly keys: ReleaseKeys;
  readonly document: ReleaseDocument;
  readonly dryRun: boolean;
}

export async function announce(_context: CliContext, _announcement: Announcement): Promise<void> {}
