import { ManifestError } from "./failure.ts";
import type { HomeContent, ManifestHome } from "./home.ts";
import { MAX_ATTEMPTS } from "./limits.ts";
import { pageWrites } from "./page.ts";
import { filesAfter, isEmpty, type ManifestChange } from "./repository/change.ts";
import { type ManifestFiles, type ManifestState, openState } from "./repository/state.ts";

export interface ChangeRequest {
  readonly home: ManifestHome;
  /** Content of keys/root.json. */
  readonly trustedRoot: Uint8Array;
  /** What the history calls the change: one line. */
  readonly message: string;
  readonly plan: (state: ManifestState) => ManifestChange;
  /** Default: openState. */
  readonly open?: typeof openState;
}

/** A change that is decided and not done. */
export interface PlannedChange {
  /** To be printed before it is carried out. */
  readonly lines: readonly string[];
  /** Whether there is nothing to do. */
  readonly empty: boolean;
  /**
   * Does it; where another run was faster it is planned anew, and `onReplan` gets the new lines. "refuse": it is
   * not, because a person agreed to this plan. Throws ManifestError.
   */
  carryOut(onReplan?: ((lines: readonly string[]) => void) | "refuse"): Promise<void>;
}

interface Planned {
  readonly read: HomeContent;
  readonly change: ManifestChange;
}

async function plan(request: ChangeRequest): Promise<Planned> {
  const { home, trustedRoot } = request;
  const read = await home.read();
  const state = (request.open ?? openState)(read.files, trustedRoot);
  const change = request.plan(state);
  return { read, change: withPage(home, read.files, change, trustedRoot) };
}

/** The change, and with it the page of what it leads to, in a home that has one. Throws ManifestError. */
export function withPage(
  home: ManifestHome,
  files: ManifestFiles,
  change: ManifestChange,
  trustedRoot: Uint8Array,
): ManifestChange {
  if (!home.page || isEmpty(change)) return change;
  const after = openState(filesAfter(files, change), trustedRoot);
  return { ...change, writes: [...change.writes, ...pageWrites(after)] };
}

/** Reads a home and plans a change of it. Throws ManifestError. */
export async function planChange(request: ChangeRequest): Promise<PlannedChange> {
  const first = await plan(request);
  return {
    lines: first.change.lines,
    empty: isEmpty(first.change),
    carryOut: async (onReplan) => {
      let planned = first;
      for (let attempt = 1; !isEmpty(planned.change); attempt += 1) {
        try {
          return await request.home.publish(planned.read, planned.change, request.message);
        } catch (error) {
          const again =
            error instanceof ManifestError &&
            error.code === "REMOTE_MOVED" &&
            attempt < MAX_ATTEMPTS &&
            onReplan !== "refuse";
          if (!again) throw error;
        }
        planned = await plan(request);
        if (typeof onReplan === "function") onReplan(planned.change.lines);
      }
    },
  };
}
