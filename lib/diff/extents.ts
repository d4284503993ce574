/** Blocks of a file that lie one after another in the file system. */
export interface Run {
  /** The first one, counted from the start of the file. */
  readonly logical: number;
  /** Where it lies, counted from the start of the file system. */
  readonly physical: number;
  readonly blocks: number;
}

/** A run, or a block that only holds the places of others. */
const PART = /^\((?:(\d+)(?:-(\d+))?(\[u\])?|ETB\d+|IND|DIND|TIND)\):(\d+)(?:-\d+)?$/;

/**
 * Reads what debugfs's `stat` prints below EXTENTS or BLOCKS: `(0-3):823-826, (5):900`. What is reserved but not
 * written yet (`[u]`) reads as zeros, as holes do. Undefined where the text is something else.
 */
export function parseRuns(text: string): Run[] | undefined {
  const runs: Run[] = [];
  for (const part of text.split(", ").filter((each) => each !== "")) {
    const match = PART.exec(part);
    if (match === null) return undefined;
    const [, first, last, unwritten, physical] = match;
    if (first === undefined || unwritten !== undefined) continue;
    const logical = Number(first);
    runs.push({ logical, physical: Number(physical), blocks: Number(last ?? first) - logical + 1 });
  }
  return runs.sort((a, b) => a.logical - b.logical);
}

/** A stretch of a file's bytes: from the file system, from byte `at` on, or zeros. */
export interface Stretch {
  readonly at: number | undefined;
  readonly bytes: number;
}

/** The stretches a file of `size` bytes consists of, in order. */
export function stretchesOf(runs: readonly Run[], size: number, blockBytes: number): Stretch[] {
  const stretches: Stretch[] = [];
  let reached = 0;
  for (const { logical, physical, blocks } of runs) {
    const from = logical * blockBytes;
    if (from >= size) break;
    if (from > reached) stretches.push({ at: undefined, bytes: from - reached });
    const bytes = Math.min(blocks * blockBytes, size - from);
    stretches.push({ at: physical * blockBytes, bytes });
    reached = from + bytes;
  }
  if (size > reached) stretches.push({ at: undefined, bytes: size - reached });
  return stretches;
}
