import { blockOf } from "../lib/manifest/channel.ts";
import { closedWindow } from "./closed-window.ts";
import type { Facts, Reading } from "./decide.ts";
import { alarm, nothing, type Plan } from "./plan.ts";
import { nameOf, type State } from "./state/record.ts";
import { madeForOthers, stepTowards, tooLarge } from "./waypoints.ts";

/** What a channel that was read asks for, and whether it is done now. Pure. */
export function choose(state: State, reading: Reading & { kind: "read" }, facts: Facts): Plan {
  const { channel } = reading;
  const { running, policy, now } = facts;
  const asked = state.wish !== undefined;
  const target = asked && reading.wished !== undefined ? reading.wished : channel.images[running.id];
  if (target === undefined) {
    return alarm(`Channel ${channel.channel} has no image for ${running.id}.`);
  }
  const name = `v${target.version}`;
  if (state.wish !== undefined && state.wish.version !== target.version) {
    return alarm(`v${state.wish.version} was asked for, and the manifest does not name it.`);
  }
  const others = madeForOthers(target, facts);
  if (others !== undefined) return alarm(`${name} ${others}.`);
  if (target.buildId === running.buildId)
    return nothing(`${name} runs, and it is what the channel stands at.`);
  const available = { available: target };
  const blocked = blockOf(channel, target.version, running.id);
  if (blocked !== undefined) return nothing(`${name} is blocked: ${blocked.reason}.`, available);
  const failed = state.failed.find(
    (one) =>
      one.buildId === target.buildId || (!asked && one.serial !== undefined && target.serial <= one.serial),
  );
  if (failed !== undefined) {
    const why = failed.reason.replace(/\.$/, "");
    return alarm(`${nameOf(failed)} failed here (${why}); a newer version is waited for.`, available);
  }
  const older = state.wish?.older === true;
  if (target.serial < state.floors.serial && !older) {
    return alarm(`${name} is older than what this node has run; install it with --older.`, available);
  }
  if (target.serial === state.committed?.serial && !asked) {
    // A version is one build. Two of one serial: somebody signed twice.
    return alarm(`${name} has the serial of the running build, and is another one.`, available);
  }
  const large = tooLarge(target, facts);
  if (large !== undefined) return alarm(`${name} ${large}.`, available);
  const step = stepTowards(target, state, reading, facts);
  if (step.kind === "barred") return alarm(step.reason, available);
  const { image } = step;
  const first = image === target ? undefined : image;
  const before = first === undefined ? undefined : `v${first.version}`;
  const more = { ...available, first };
  // Who accepts a version accepts the way to it.
  if (policy.mode === "ask" && !asked && state.accepted !== target.serial) {
    return before === undefined
      ? nothing(`${name} is there; node-update accept installs it.`, more)
      : nothing(`${name} is there, and ${before} comes first; node-update accept installs both.`, more);
  }
  const closed = asked ? undefined : closedWindow(policy.window, now);
  if (closed !== undefined) {
    const what = before === undefined ? name : `${before}, which has to be installed before ${name},`;
    return nothing(`${what} waits for ${closed.text}.`, { next: closed.next, ...more });
  }
  const reason =
    before === undefined
      ? `${name} is newer than ${nameOf(state.committed ?? running)}.`
      : `${before} is installed first: ${name} can only be installed from it on.`;
  return { kind: "install", reason, image, target, asked };
}
