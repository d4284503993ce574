import { decide } from "../decide.ts";
import { alarm } from "../plan.ts";
import { readKnown, stateFileOf, type UpdaterNode } from "../run.ts";
import { publishStatus, readStatus } from "./publish.ts";
import { announcedIn, type Status, statusOf } from "./status.ts";

/** The last run's status, with what the state says by now. */
export async function status(node: UpdaterNode): Promise<Status> {
  const had = await readStatus(node.places);
  const { state } = await stateFileOf(node).read();
  const { facts } = await readKnown(node);
  const plan = decide(state, undefined, facts);
  const now = statusOf(state, plan, facts, announcedIn(had));
  // Nothing stands in the way of looking: then the last look's answer is what there is to say.
  if (plan.kind !== "poll" || had === undefined || isPast(had, now)) return now;
  const { plan: kind, reason, alarm: alarming, next, intended } = had;
  return { ...now, plan: kind, reason, alarm: alarming, next, intended };
}

/** Whether what was said then has come to its end since: another build runs, what was to be tried has failed, or updates go on. */
function isPast(had: Status, now: Status): boolean {
  const failed = had.intended !== undefined && had.intended === now.lastFailed?.version;
  const others = had.running.buildId !== now.running.buildId || had.paused !== now.paused;
  return failed || others || had.plan === "restart";
}

/** Tells people and programs what only a person can mend; the next run of the updater says anew how things are. */
export async function publishAlarm(node: UpdaterNode, reason: string): Promise<void> {
  const had = await readStatus(node.places);
  const { state } = await stateFileOf(node).read();
  const { facts } = await readKnown(node);
  await publishStatus(statusOf(state, alarm(reason), facts, announcedIn(had)), node.places);
}
