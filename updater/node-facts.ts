import { readFile, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import type { Clock } from "../lib/external/clock.ts";
import { exists, readTextIfPresent, roomAt } from "../lib/external/files.ts";
import type { BuildFacts, Config } from "./config.ts";
import type { Facts } from "./decide.ts";
import { UpdaterError } from "./failure.ts";
import type { Places } from "./places.ts";
import type { Slots } from "./rauc/slots.ts";
import { otherSlot, type SlotName } from "./state/record.ts";

const SECTOR = 512;
/** Below it nothing new is begun: the state must always find room, in bytes. */
const LEAST_FREE = 16 * 1024 * 1024;
/** The partition of a slot (disk contract), where the kernel does not say its length. */
const SLOT_BYTES = 2 * 1024 ** 3;

const dataRecord = z.object({ state: z.string(), reason: z.string().optional() });

export interface DataFacts {
  /** False where memory stands in for it. */
  readonly holds: boolean;
  /** Whether this boot was the first one of a card. */
  readonly flashed: boolean;
  readonly problem: string | undefined;
}

/** What the initramfs says of data, and whether it can be written to. */
export async function readData(places: Places): Promise<DataFacts> {
  const text = await readTextIfPresent(places.dataState).catch(() => undefined);
  let state = { state: "unknown", reason: "" as string | undefined };
  try {
    state = { reason: undefined, ...dataRecord.parse(JSON.parse(text ?? "")) };
  } catch {
    return { holds: false, flashed: false, problem: `${places.dataState} does not say how it is` };
  }
  const holds = ["fresh", "kept", "ok", "repaired"].includes(state.state);
  const flashed = state.state === "fresh" || state.state === "kept";
  if (!holds) return { holds, flashed, problem: `it is in memory only (${state.reason ?? state.state})` };
  const room = await roomAt(places.state);
  const full = room.freeBytes < LEAST_FREE || room.freeFiles === 0;
  const problem =
    room.refuses !== undefined
      ? `it cannot be written to (${room.refuses})`
      : full
        ? `it is full (${room.freeBytes} bytes and ${room.freeFiles ?? "many"} files left)`
        : undefined;
  return { holds, flashed, problem };
}

/** The slot the boot script named on the kernel's command line. Throws IMAGE. */
export async function readSlot(places: Places): Promise<SlotName> {
  const line = await readFile(places.commandLine, "utf8");
  const slot = /(?:^|\s)rauc\.slot=([AB])(?:\s|$)/.exec(line)?.[1];
  if (slot === "A" || slot === "B") return slot;
  throw new UpdaterError("IMAGE", `${places.commandLine}: names no slot`, {
    fix: "was it started by the boot script?",
  });
}

export async function readBootId(places: Places): Promise<string> {
  return (await readFile(places.bootId, "utf8")).trim();
}

/** 0 where the kernel does not say. */
async function readUpMs(places: Places): Promise<number> {
  const text = await readTextIfPresent(places.uptime).catch(() => undefined);
  return Math.round(Number.parseFloat(text ?? "0") * 1000);
}

async function slotBytes(places: Places, slots: Slots | undefined, running: SlotName): Promise<number> {
  const device = slots?.slots.find(({ bootname }) => bootname === otherSlot(running))?.device;
  if (device === undefined) return SLOT_BYTES;
  const name = basename(await realpath(device).catch(() => device));
  const size = await readTextIfPresent(join(places.blockDevices, name, "size")).catch(() => undefined);
  return size === undefined ? SLOT_BYTES : Number(size) * SECTOR;
}

/** All that `decide` asks of a node, but for the clock, which has to be compared first. */
export async function readFacts(
  places: Places,
  build: BuildFacts,
  config: Config,
  slots: Slots | undefined,
  clock: Clock,
): Promise<Facts> {
  const { cluster, profile, board, buildId } = build;
  const slot = await readSlot(places);
  const id = `${profile}-${board}`;
  return {
    now: clock.now(),
    running: { buildId, id, compatible: `${cluster}-${id}`, slot, bootId: await readBootId(places) },
    passed: await exists(places.markedGood),
    upMs: await readUpMs(places),
    slotBytes: await slotBytes(places, slots, slot),
    dataProblem: (await readData(places)).problem,
    clockProblem: undefined,
    policy: { mode: config.mode, window: config.window },
    channel: config.channel,
  };
}

export function isSynchronized(places: Places): Promise<boolean> {
  return exists(places.synchronized);
}
