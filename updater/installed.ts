import { blockOf } from "../lib/manifest/channel.ts";
import { closedWindow } from "./closed-window.ts";
import type { Facts, Reading } from "./decide.ts";
import { nothing, type Plan } from "./plan.ts";
import { nameOf, type State, type Trial } from "./state/record.ts";

/**
 * What becomes of a build that is installed and was not started yet: it is started, waits, or is withdrawn where it
 * was blocked since. What cannot be looked up does not hold it back: it was right when it was installed. Undefined:
 * somebody asks for another version, which takes its place. Pure.
 */
export function afterInstall(
  trial: Trial,
  state: State,
  reading: Reading | undefined,
  facts: Facts,
): Plan | undefined {
  const { running, policy, now } = facts;
  const name = nameOf(trial);
  if (trial.activatedIn !== undefined && trial.activatedIn !== running.bootId) {
    return nothing(`${name} was started and did not stay; the gate of this boot has to record it first.`);
  }
  if (looksUp(trial, state, facts)) {
    if (reading === undefined) {
      return {
        kind: "poll",
        reason: `${name} is installed; before it is started, the channel is looked at again.`,
      };
    }
    const blocked =
      reading.kind === "read" ? blockOf(reading.channel, trial.version ?? "", running.id) : undefined;
    if (blocked !== undefined) {
      const why = blocked.reason.replace(/\.$/, "");
      return {
        kind: "withdraw",
        reason: `${name} is installed and blocked since: ${why}; it is not started.`,
      };
    }
  }
  const { wish } = state;
  if (wish !== undefined && wish.version !== trial.version) return undefined;
  const restart = toBeTried(trial);
  if (trial.asked || wish !== undefined) return restart;
  if (isQuiet(state, facts)) {
    return nothing(
      `${name} is installed; updates are ${state.paused ? "paused" : "off"}, so it is not started.`,
    );
  }
  const closed = closedWindow(policy.window, now);
  if (closed !== undefined)
    return nothing(`${name} is installed; the restart waits for ${closed.text}.`, { next: closed.next });
  return restart;
}

export const toBeTried = (trial: Trial): Plan & { kind: "restart" } => ({
  kind: "restart",
  reason: `${nameOf(trial)} is installed and is to be tried.`,
});

/** Whether nothing is looked for or started by itself. */
export const isQuiet = (state: State, { policy }: Pick<Facts, "policy">): boolean =>
  state.paused || policy.mode === "off";

/** Whether the channel has a say: where it would be looked at without a build that waits, too. */
function looksUp(trial: Trial, state: State, facts: Facts): boolean {
  const may = facts.clockProblem === undefined && facts.dataProblem === undefined;
  if (!may || (isQuiet(state, facts) && state.wish === undefined)) return false;
  // Somebody goes back to it: it has run here, and what is blocked is not to be installed.
  return state.previous?.buildId !== trial.buildId;
}
