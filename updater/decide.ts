import { minuteOf } from "../lib/external/clock.ts";
import type { ChannelDocument, ChannelImage } from "../lib/manifest/channel.ts";
import { isOpen, nextOpening, type Window } from "../lib/manifest/client/window.ts";
import { UNREAD_ALARM_MS } from "./limits.ts";
import { alarm, nothing, type Plan } from "./plan.ts";
import { nameOf, type SlotName, type State } from "./state/record.ts";

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
  /** Undefined: data is kept, and has room. */
  readonly dataProblem: string | undefined;
  /** Undefined: the clock can be trusted. */
  readonly clockProblem: string | undefined;
  readonly policy: Policy;
}

/** What reading the manifest gave. */
export type Reading =
  | {
      readonly kind: "read";
      readonly channel: ChannelDocument;
      /** What a person asked for, where it is not what the channel stands at. */
      readonly wished?: ChannelImage | undefined;
    }
  | { readonly kind: "problem"; readonly reason: string; readonly alarm: boolean };

/**
 * What to do next. `reading` is undefined before the manifest was read: the answer is then `poll`, or why it is
 * not even looked at. Pure; the same answer is shown to people.
 */
export function decide(state: State, reading: Reading | undefined, facts: Facts): Plan {
  const here = ownState(state, facts);
  if (here !== undefined) return here;
  if (facts.dataProblem !== undefined) {
    return alarm(`Nothing is installed while data cannot be relied on: ${facts.dataProblem}.`);
  }
  const wished = state.wish !== undefined;
  if (facts.policy.mode === "off" && !wished) {
    return nothing("Updates are off in cluster.yaml (update.mode).");
  }
  if (state.paused && !wished) return nothing("Updates are paused: node-update pause --off ends that.");
  const unread = state.lastCheck !== undefined && facts.now - state.lastCheck > UNREAD_ALARM_MS;
  if (facts.clockProblem !== undefined) {
    const reason = `The clock is not trusted: ${facts.clockProblem}.`;
    return unread ? alarm(reason) : nothing(reason);
  }
  if (reading === undefined) return { kind: "poll", reason: "It is time to look at the channel." };
  if (reading.kind === "problem") {
    return reading.alarm || unread ? alarm(reading.reason) : nothing(reading.reason);
  }
  return choose(state, reading, facts);
}

/** What the node's own state forbids, whatever a channel says. */
function ownState(state: State, facts: Facts): Plan | undefined {
  const { committed, trial } = state;
  const { running, policy, now } = facts;
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
  if (trial?.phase !== "installed") return undefined;
  const name = nameOf(trial);
  if (trial.bootId !== running.bootId) {
    return nothing(`${name} was started and did not stay; the gate of this boot has to record it first.`);
  }
  if (!trial.asked && (state.paused || policy.mode === "off")) {
    return nothing(
      `${name} is installed; updates are ${state.paused ? "paused" : "off"}, so it is not started.`,
    );
  }
  const closed = trial.asked ? undefined : closedWindow(policy.window, now);
  if (closed !== undefined)
    return nothing(`${name} is installed; the restart waits for ${closed.text}.`, { next: closed.next });
  return { kind: "restart", reason: `${name} is installed and is to be tried.` };
}

function closedWindow(
  window: Window | undefined,
  now: number,
): { readonly text: string; readonly next: number } | undefined {
  if (window === undefined || isOpen(window, now)) return undefined;
  const next = nextOpening(window, now);
  return { text: `the update window, open from ${minuteOf(next)}`, next };
}

function choose(state: State, reading: Reading & { kind: "read" }, facts: Facts): Plan {
  const { channel } = reading;
  const { running, policy, now, slotBytes } = facts;
  const asked = state.wish !== undefined;
  const image = asked && reading.wished !== undefined ? reading.wished : channel.images[running.id];
  if (image === undefined) {
    return alarm(`Channel ${channel.channel} has no image for ${running.id}.`);
  }
  const name = `v${image.version}`;
  if (state.wish !== undefined && state.wish.version !== image.version) {
    return alarm(`v${state.wish.version} was asked for, and the manifest does not name it.`);
  }
  if (image.compatible !== running.compatible) {
    return alarm(`${name} is made for ${image.compatible}, and this node is ${running.compatible}.`);
  }
  if (image.buildId === running.buildId)
    return nothing(`${name} runs, and it is what the channel stands at.`);
  const available = { available: image };
  const blocked = channel.blocked.find(
    ({ version, id }) => version === image.version && (id === "*" || id === running.id),
  );
  if (blocked !== undefined) return nothing(`${name} is blocked: ${blocked.reason}.`, available);
  const failed = state.failed.find(
    (one) =>
      one.buildId === image.buildId || (!asked && one.serial !== undefined && image.serial <= one.serial),
  );
  if (failed !== undefined) {
    const why = failed.reason.replace(/\.$/, "");
    return alarm(`${nameOf(failed)} failed here (${why}); a newer version is waited for.`, available);
  }
  const older = state.wish?.older === true;
  if (image.serial < state.floors.serial && !older) {
    return alarm(`${name} is older than what this node has run; install it with --older.`, available);
  }
  if (image.serial === state.committed?.serial && !asked) {
    // A version is one build. Two of one serial: somebody signed twice.
    return alarm(`${name} has the serial of the running build, and is another one.`, available);
  }
  const from = state.committed?.serial;
  if (image.minFrom !== undefined && (from ?? 0) < image.minFrom) {
    return alarm(
      `${name} can only be installed from a later version; install one in between first.`,
      available,
    );
  }
  if (image.slot.bytes > slotBytes) {
    return alarm(`${name} has ${image.slot.bytes} bytes, and the slot holds ${slotBytes}.`, available);
  }
  if (policy.mode === "ask" && !asked && state.accepted !== image.serial) {
    return nothing(`${name} is there; node-update accept installs it.`, available);
  }
  const closed = asked ? undefined : closedWindow(policy.window, now);
  if (closed !== undefined)
    return nothing(`${name} waits for ${closed.text}.`, { next: closed.next, ...available });
  return {
    kind: "install",
    reason: `${name} is newer than ${nameOf(state.committed ?? running)}.`,
    image,
    asked,
  };
}
