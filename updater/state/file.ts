import { join } from "node:path";
import { readBounded } from "../../lib/external/bounded-file.ts";
import { type Checkpoint, noCheckpoint } from "../../lib/external/checkpoint.ts";
import { syncFolder } from "../../lib/external/durable-files.ts";
import { sha256OfText, writeAtomically } from "../../lib/external/files.ts";
import { UpdaterError } from "../failure.ts";
import { MAX_STATE_BYTES } from "../limits.ts";
import { emptyState, raiseFloors, type State, stateRecord } from "./record.ts";

/** Written in turn: the one that is written is never the one that counts. */
const NAMES = ["state-1.json", "state-2.json"] as const;

interface Copy {
  /** Grows by one with each write. */
  readonly turn: number;
  readonly state: State;
}

export interface ReadState {
  readonly state: State;
  /** Why nothing is remembered, where a file was there and says nothing; undefined: all is well. */
  readonly lost: string | undefined;
}

/** A checksum on the first line, what it is of on the second: both can be read by people and by `sha256sum`. */
export function encodeCopy(turn: number, state: State): string {
  const body = `${JSON.stringify({ turn, state })}\n`;
  return `${sha256OfText(body)}\n${body}`;
}

/** Undefined where the text is not, to the last byte, what was written. */
export function decodeCopy(text: string): Copy | undefined {
  const end = text.indexOf("\n");
  const body = text.slice(end + 1);
  if (end !== 64 || sha256OfText(body) !== text.slice(0, end)) return undefined;
  try {
    const { turn, state } = JSON.parse(body) as { turn: unknown; state: unknown };
    const parsed = stateRecord.safeParse(state);
    if (!parsed.success || !Number.isSafeInteger(turn)) return undefined;
    return { turn: Number(turn), state: parsed.data };
  } catch {
    return undefined;
  }
}

/** What the updater remembers, in two files of a folder on data. */
export class StateFile {
  readonly folder: string;
  readonly #checkpoint: Checkpoint;

  constructor(folder: string, checkpoint: Checkpoint = noCheckpoint) {
    this.folder = folder;
    this.#checkpoint = checkpoint;
  }

  async #copies(): Promise<readonly { found: boolean; copy: Copy | undefined }[]> {
    return Promise.all(
      NAMES.map(async (name) => {
        const read = await readBounded(join(this.folder, name), MAX_STATE_BYTES);
        if (read.kind !== "content") return { found: read.kind !== "absent", copy: undefined };
        return { found: true, copy: decodeCopy(Buffer.from(read.bytes).toString("utf8")) };
      }),
    );
  }

  /** The newer whole copy; a node that knows nothing where there is none. Throws on I/O errors only. */
  async read(): Promise<ReadState> {
    const copies = await this.#copies();
    const newest = newestOf(copies.map(({ copy }) => copy));
    if (newest !== undefined) return { state: newest.state, lost: undefined };
    const found = copies.some((one) => one.found);
    return { state: emptyState, lost: found ? `both state files in ${this.folder} are damaged` : undefined };
  }

  /**
   * Writes the copy that is older, down to the disk; floors that would go back stay. `healTime` lets the last
   * known time go back, where two sources agree that it was wrong. Returns what was written. Throws STATE.
   */
  async write(next: State, healTime = false): Promise<State> {
    const copies = (await this.#copies()).map(({ copy }) => copy);
    const newest = newestOf(copies);
    const floors = raiseFloors(newest?.state.floors ?? emptyState.floors, next.floors);
    const lastKnownTime = healTime ? next.floors.lastKnownTime : floors.lastKnownTime;
    const state = stateRecord.parse({ ...next, floors: { ...floors, lastKnownTime } });
    const at = newest === undefined || copies[1] === newest ? 0 : 1;
    try {
      await this.#checkpoint("before a state file");
      await writeAtomically(join(this.folder, NAMES[at]), encodeCopy((newest?.turn ?? 0) + 1, state), 0o600);
      await this.#checkpoint("after a state file");
      await syncFolder(this.folder);
    } catch (cause) {
      throw new UpdaterError("STATE", `${join(this.folder, NAMES[at])}: could not be written`, {
        fix: "is data full or read-only? see df and dmesg",
        cause,
      });
    }
    return state;
  }

  /** Reads, changes, writes. */
  async change(how: (state: State) => State): Promise<State> {
    return this.write(how((await this.read()).state));
  }
}

function newestOf(copies: readonly (Copy | undefined)[]): Copy | undefined {
  const whole = copies.filter((copy) => copy !== undefined);
  return whole.reduce<Copy | undefined>((a, b) => (a === undefined || b.turn > a.turn ? b : a), undefined);
}
