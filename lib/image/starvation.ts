import prettyBytes from "pretty-bytes";
import { type Exhaustion, exhaustionIn } from "../external/exhaustion.ts";
import { type Room, roomAt } from "../external/files.ts";
import { availableMemory, memoryKills } from "../external/memory.ts";
import { ProcessError } from "../external/process.ts";
import { Failure } from "../failure.ts";
import { type ImageCode, ImageError } from "./failure.ts";
import { needs } from "./limits.ts";

/** The machine at the moment something failed, before anything was tidied up. */
export interface Scene {
  /** The folder that was written to. */
  readonly folder: string;
  readonly room: Room;
  /** How the folder is exchanged for another, as a command. */
  readonly elsewhere: string;
  readonly freeMemoryBytes: number;
  /** Processes the kernel ended for want of memory while the work ran. */
  readonly memoryKills: number;
}

/** Errors that say already what is wrong, whatever else is. */
const TOLD: readonly ImageCode[] = ["NO_SPACE", "READ_ONLY", "NO_MEMORY", "PREFLIGHT", "SLOT_TOO_LARGE"];
const ABOUT_WORK = ["image", "process", "download"];
/** What no program can work with, whatever it says: the last block, or the room of a few small files. */
const AS_GOOD_AS_FULL_BYTES = 1024 ** 2;
/** More than a tool leaves free when it tidies up behind a failed write. */
const PLENTY_BYTES = 64 * 1024 ** 2;

interface Symptoms {
  readonly said: Exhaustion | undefined;
  readonly killed: boolean;
}

/** What an error and its causes tell about a machine that ran out of something. */
function symptomsOf(error: unknown): Symptoms {
  let said: Exhaustion | undefined;
  let killed = false;
  for (let at = error; at instanceof Error; at = at.cause) {
    const own = at instanceof ProcessError ? at.exhaustion : undefined;
    const details = at instanceof Failure ? at.details : [];
    said ??= own ?? exhaustionIn([at.message, ...details].join("\n"));
    killed ||= at instanceof ProcessError && at.killed;
  }
  return { said, killed };
}

/**
 * An error that comes from a full or read-only disk or from want of memory, said as that. Undefined: it
 * comes from something else, or is one already.
 */
export function explainStarvation(error: unknown, scene: Scene): ImageError | undefined {
  if (error instanceof ImageError && TOLD.includes(error.code)) return undefined;
  if (error instanceof Failure && (error.code === "INTERRUPTED" || !ABOUT_WORK.includes(error.area)))
    return undefined;
  const { folder, room } = scene;
  const { said, killed } = symptomsOf(error);
  const details = said === undefined ? [] : [said.line];
  const failure = (code: ImageCode, message: string, fix: string) =>
    new ImageError(code, message, { details, fix, cause: error });
  const full = room.freeBytes < AS_GOOD_AS_FULL_BYTES || room.freeFiles === 0;
  if (room.refuses === "EROFS") {
    return failure("READ_ONLY", `${folder} is on a read-only file system`, `use another: ${scene.elsewhere}`);
  }
  if (said?.what === "space" || full) {
    return failure(
      "NO_SPACE",
      noSpace(scene),
      `free some there (./pi clean --yes empties the cache), or use another disk: ${scene.elsewhere}`,
    );
  }
  const more = "close other programs, or give this machine more memory or swap, then run it again";
  const free = `${size(scene.freeMemoryBytes)} free now, ${size(needs.memory)} needed`;
  if (said?.what === "memory" || (killed && scene.memoryKills > 0)) {
    const what = killed ? "killed: out of memory" : "out of memory";
    return failure("NO_MEMORY", `${what} (${free})`, more);
  }
  if (killed) {
    return failure(
      "NO_MEMORY",
      `killed from outside, as Linux does when it is out of memory (${free})`,
      `${more}; sudo dmesg | tail says whether Linux did it`,
    );
  }
  return undefined;
}

const size = (bytes: number): string => prettyBytes(bytes, { binary: true });

function noSpace({ folder, room }: Scene): string {
  if (room.freeFiles === 0) return `no space left in ${folder}: not one more file fits (no inode is free)`;
  if (room.freeBytes < PLENTY_BYTES) return `no space left in ${folder}: ${size(room.freeBytes)} free`;
  // Tidied up by the tool itself, or another place than the folder: only its own words know.
  return `no space left in ${folder}, or in a place the step wrote to (${size(room.freeBytes)} free there again)`;
}

/** Runs work that writes below `folder`; where it fails for want of space or memory, says so. */
export async function sayingWhatRanOut<T>(
  folder: string,
  elsewhere: string,
  work: () => Promise<T>,
): Promise<T> {
  const killsBefore = await memoryKills();
  try {
    return await work();
  } catch (error) {
    const scene: Scene = {
      folder,
      elsewhere,
      room: await roomAt(folder),
      freeMemoryBytes: await availableMemory(),
      memoryKills: (await memoryKills()) - killsBefore,
    };
    throw explainStarvation(error, scene) ?? error;
  }
}
