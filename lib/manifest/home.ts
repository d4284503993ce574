import type { ManifestChange } from "./repository/change.ts";
import type { ManifestFiles } from "./repository/state.ts";

/** A home's files at one moment. */
export interface HomeContent {
  readonly files: ManifestFiles;
  /** Names this moment: a change planned on it is refused once the home is another. */
  readonly revision: string;
}

/** Where the update manifest and its history lie. */
export interface ManifestHome {
  /** For people: `the folder /srv/store/manifest`, `the branch manifest of ...`. */
  readonly place: string;
  /** Whether people look at it with a browser, so that it gets a page. */
  readonly page: boolean;
  read(): Promise<HomeContent>;
  /**
   * Carries a change out. Stopped at any point, readers find the old state or the new one. Throws ManifestError:
   * REMOTE_MOVED where the home is not as it was read (plan anew), HOME, INTERRUPTED.
   */
  publish(read: HomeContent, change: ManifestChange, message: string): Promise<void>;
}

/** Called before and behind every step that a reader, or the next run, could see: tests end the run there. */
export type Checkpoint = (name: string) => void | Promise<void>;
