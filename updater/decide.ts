import type { ChannelDocument, ChannelImage } from "../lib/manifest/channel.ts";
import type { Window } from "../lib/manifest/client/window.ts";
import { choose } from "./choose.ts";
import { afterInstall, toBeTried } from "./installed.ts";
import { UNREAD_ALARM_MS } from "./limits.ts";
import { alarm, nothing, type Plan } from "./plan.ts";
import { nameOf, type SlotName, type State } from "./state/record.ts";
import type { Stone } from "./waypoints.ts";

export interface Policy {
  readonly mode: "auto" | "ask" | "off";
  readonly window: Window | undefined;
}

/** What is true of the node right now. */
export interface Facts {
  /** Milliseconds since 1970, by the node's own clock. */
  readonly now: number;
  readonly running: {
    readonly buildId: string;
    readonly compatible: string;
    /** `<profile>-<board>`: its name in a channel. */
    readonly id: string;
    readonly slot: SlotName;
    readonly bootId: string;
  };
  /** Whether this boot was marked good, so that its build is to be committed. */
  readonly passed: boolean;
  /** Bytes of the slot that is not running. */
  readonly slotBytes: number;
  /** Since the node was started, in milliseconds, by a clock nobody sets. */
  readonly upMs: number;
  /** Undefined: data is kept, and has room. */
  readonly dataProblem: string | undefined;
  /** Undefined: the clock can be trusted. */
  readonly clockProblem: string | undefined;
  readonly policy: Policy;
  /** Which channel is followed. */
  readonly channel: "stable" | "beta";
}

/** What reading the manifest gave. */
export type Reading =
  | {
      readonly kind: "read";
      readonly channel: ChannelDocument;
      /** What a person asked for, where it is not what the channel stands at. */
      readonly wished?: ChannelImage | undefined;
      /** What comes before that, or before what the channel stands at; undefined: nothing does. */
      readonly stone?: Stone | undefined;
      /** The serial up to which waypoints count as reached though the committed one is lower: see findStone. */
      readonly passed?: number | undefined;
    }
  | { readonly kind: "problem"; readonly reason: string; readonly alarm: boolean };

/**
 * What to do next. `reading` is undefined before the manifest was read: the answer is then `poll`, or why it is
 * not even looked at. `looks`: a person wants to see what there is, also where a node does not look by itself. Pure; the
 * same answer is shown to people.
 */
export function decide(state: State, reading: Reading | undefined, facts: Facts, looks = false): Plan {
  const here = ownState(state, reading, facts);
  if (here !== undefined) return here;
  if (facts.dataProblem !== undefined) {
    return alarm(`Nothing is installed while data cannot be relied on: ${facts.dataProblem}.`);
  }
  const quiet = quietly(state, facts);
  if (quiet !== undefined && reading === undefined && !looks) return nothing(`Updates are ${quiet}.`);
  const unread = isLongUnread(state, facts);
  if (facts.clockProblem !== undefined) {
    const reason = `The clock is not trusted: ${facts.clockProblem}.`;
    return unread ? alarm(reason) : nothing(reason);
  }
  if (reading === undefined) return { kind: "poll", reason: "It is time to look at the channel." };
  if (reading.kind === "problem") {
    return reading.alarm || unread ? alarm(reading.reason) : nothing(reading.reason);
  }
  const plan = choose(state, reading, facts);
  if (quiet !== undefined && plan.kind === "install") {
    const { image, target } = plan;
    const more = { available: target, first: image === target ? undefined : image };
    return nothing(`v${target.version} is there; updates are ${quiet}.`, more);
  }
  const { trial } = state;
  // A waypoint on the way to what was asked for, or the same build under another name: it is there already.
  const there =
    plan.kind === "install" && trial?.phase === "installed" && trial.buildId === plan.image.buildId;
  return there ? toBeTried(trial) : plan;
}

/** Why nothing is looked for or installed by itself; undefined: it is, or a person asked for something. */
function quietly({ paused, wish }: State, { policy }: Facts): string | undefined {
  if (wish !== undefined) return undefined;
  if (policy.mode === "off") return "off in cluster.yaml (update.mode)";
  return paused ? "paused: node-update pause --off ends that" : undefined;
}

/** By the clock; and where that is behind, or nothing was ever read, by how long the node is up. */
function isLongUnread({ lastCheck }: State, { now, upMs }: Facts): boolean {
  if (lastCheck === undefined || now < lastCheck) return upMs > UNREAD_ALARM_MS;
  return now - lastCheck > UNREAD_ALARM_MS;
}

/** What the node's own state asks for before anything else is looked for. */
function ownState(state: State, reading: Reading | undefined, facts: Facts): Plan | undefined {
  const { committed, trial } = state;
  const { running } = facts;
  if (committed === undefined) {
    // What was committed may be on the data that is out of reach.
    if (facts.dataProblem !== undefined) return undefined;
    return facts.passed
      ? alarm("The running build has passed its gate, and that could not be written down yet.")
      : nothing("The running build has not passed its gate yet, so nothing else is looked for.");
  }
  if (running.buildId !== committed.buildId) {
    if (running.buildId === trial?.buildId) {
      const name = nameOf(trial);
      return facts.passed
        ? alarm(`${name} has passed its gate, and that could not be written down yet.`)
        : nothing(`${name} is on trial.`);
    }
    return alarm(`The running build is neither committed nor on trial; committed is ${nameOf(committed)}.`);
  }
  return trial?.phase === "installed" ? afterInstall(trial, state, reading, facts) : undefined;
}
