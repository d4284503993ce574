import { readFile } from "node:fs/promises";
import type { Clock } from "../../lib/external/clock.ts";
import { lightSource } from "../../lib/external/light-source.ts";
import { askServerDate } from "../../lib/external/server-date.ts";
import { Failure } from "../../lib/failure.ts";
import type { OpenedManifest } from "../../lib/manifest/client/open.ts";
import { FETCH_TIMEOUT_MS } from "../../lib/manifest/limits.ts";
import { type ClockVerdict, judgeClock } from "../clock-gate.ts";
import type { Reading } from "../decide.ts";
import { DATE_TIMEOUT_MS, TIME_SYNC_WAIT_MS } from "../limits.ts";
import { refreshMetadata } from "../metadata.ts";
import { isSynchronized } from "../node-facts.ts";
import type { Places } from "../places.ts";
import type { State } from "../state/record.ts";
import { findVersion, identify } from "./releases.ts";
import { findStone } from "./stones.ts";

/** Holds the clock against the channel's server, after a bounded wait for the first time from the network. */
export async function checkClock(
  address: string,
  state: State,
  places: Places,
  clock: Clock,
  waitMs: number = TIME_SYNC_WAIT_MS,
): Promise<ClockVerdict> {
  for (let waited = 0; waited < waitMs && !(await isSynchronized(places)); waited += 1_000)
    await clock.sleep(1_000);
  const date = await askServerDate(new URL("timestamp.json", address).href, DATE_TIMEOUT_MS);
  const { protocol, host } = new URL(address);
  return judgeClock({
    now: clock.now(),
    lastKnownTime: state.floors.lastKnownTime,
    synchronized: await isSynchronized(places),
    server: { ...date, name: host, secure: protocol === "https:" },
  });
}

export interface ReadChannel {
  readonly reading: Reading;
  readonly opened: OpenedManifest | undefined;
  /** The state with the floors of what was read, and the name of what runs. */
  readonly state: State;
}

/** What the manifest says, for `decide`. Never throws for what a server or a manifest does. */
export async function readChannel(
  address: string,
  channel: "stable" | "beta",
  running: { readonly buildId: string; readonly id: string },
  state: State,
  places: Places,
  clock: Clock,
): Promise<ReadChannel> {
  const source = lightSource(address, { timeoutMs: FETCH_TIMEOUT_MS });
  try {
    const opened = await refreshMetadata({
      ...{ folder: places.state, source, floors: state.floors },
      trustedRoot: await readFile(places.trustedRoot),
      now: new Date(clock.now()),
    });
    const floors = { ...state.floors, ...opened.versions, keys: opened.keys };
    const read = { ...state, floors, lastCheck: clock.now() };
    const document = opened.channels[channel];
    if (document === undefined) {
      const reason = `The manifest at ${address} has no channel ${channel} yet.`;
      return { reading: { kind: "problem", reason, alarm: false }, opened, state: read };
    }
    const { state: known, sure } = await identify(read, running, document, opened, address);
    const imageOf = (version: string) => findVersion(version, running.id, document, opened, address);
    const own = document.images[running.id];
    const wish = known.wish?.version;
    const wished = wish === undefined || wish === own?.version ? undefined : await imageOf(wish);
    const target = wish === undefined || wish === own?.version ? own : wished;
    const way = target === undefined ? {} : await findStone(target, known.committed, imageOf, sure);
    return { reading: { kind: "read", channel: document, wished, ...way }, opened, state: known };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // A network that is down heals by itself; a manifest that is wrong, or too old, is for people.
    const alarm = error.code !== "UNREACHABLE" && error.code !== "INTERRUPTED";
    const reason = `The channel cannot be read: ${error.message.replace(/\.$/, "")}.`;
    return { reading: { kind: "problem", reason, alarm }, opened: undefined, state };
  }
}
