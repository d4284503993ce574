import { rm } from "node:fs/promises";
import { exists } from "../lib/external/files.ts";
import { messageOf } from "../lib/failure.ts";
import { activateInstalled } from "./activate.ts";
import { readBuild } from "./config.ts";
import { UpdaterError } from "./failure.ts";
import { UNITS } from "./places.ts";
import { status } from "./report/current.ts";
import { publishStatus } from "./report/publish.ts";
import type { Status } from "./report/status.ts";
import { readKnown, reboot, runUpdater, stateFileOf, type UpdaterNode, withoutWish } from "./run.ts";
import { failed } from "./state/failed.ts";
import { nameOf, otherSlot } from "./state/record.ts";
import { failedUnits } from "./trial/health.ts";
import { committedState, standingOf } from "./trial/judge.ts";
import { readBootFacts } from "./trial/node.ts";
import { isSettling, trusted } from "./trial/settling.ts";

/** When the timer fires next, as systemd writes it; undefined: it does not. */
export async function nextRun({ world }: UpdaterNode): Promise<string | undefined> {
  const argv = ["systemctl", "show", "--value", "--property=NextElapseUSecRealtime", UNITS.timer] as const;
  const shown = await world.processes.run({ argv: [...argv], timeoutMs: 10_000 }).catch(() => undefined);
  const text = shown?.stdout.trim() ?? "";
  return text === "" || text === "n/a" ? undefined : text;
}

export interface InstallWish {
  /** Without `v`; undefined: what the channel stands at. */
  readonly version: string | undefined;
  readonly older: boolean;
  /** Forget that it failed. */
  readonly retry: boolean;
}

/** What the next run installs, were it allowed: what is installed and waits, what the channel stands at, or a waypoint. */
async function nextVersion(node: UpdaterNode): Promise<string | undefined> {
  const { state } = await stateFileOf(node).read();
  if (state.trial?.phase === "installed" && state.trial.version !== undefined) return state.trial.version;
  const { available, intended } = await runUpdater(node, { act: false, timeWaitMs: 0 });
  return available === undefined ? undefined : intended?.replace(/^v/, "");
}

/** Installs now, whatever mode, pause and window say. Throws NOTHING where there is nothing to install. */
export async function installWish(node: UpdaterNode, wish: InstallWish): Promise<Status> {
  const version = wish.version ?? (await nextVersion(node));
  if (version === undefined) {
    throw new UpdaterError("NOTHING", "there is nothing newer to install", {
      fix: "node-update status tells why",
    });
  }
  const stateFile = stateFileOf(node);
  await stateFile.change((state) => ({
    ...state,
    wish: { version, older: wish.older },
    failed: wish.retry ? state.failed.filter((one) => one.version !== version) : state.failed,
  }));
  try {
    return await runUpdater(node, { act: true, wished: true });
  } finally {
    // A wish is of the moment: what could not be done now is not done tonight.
    await stateFile.change(withoutWish);
  }
}

/** In mode `ask`: yes to what the channel stands at. */
export async function accept(node: UpdaterNode): Promise<Status> {
  const seen = await runUpdater(node, { act: false, timeWaitMs: 0 });
  const { state } = await stateFileOf(node).read();
  const { serial } = seen.available ?? {};
  if (serial === undefined) {
    throw new UpdaterError("NOTHING", "there is nothing to accept", { fix: "node-update status tells why" });
  }
  await stateFileOf(node).write({ ...state, accepted: serial });
  return runUpdater(node, { act: true });
}

export async function pause(node: UpdaterNode, paused: boolean): Promise<Status> {
  await stateFileOf(node).change((state) => ({ ...state, paused }));
  const now = await status(node);
  await publishStatus(now, node.places);
  return now;
}

/** Back to the build that was committed before, which stays until something else is asked for. */
export async function rollback(node: UpdaterNode): Promise<void> {
  const stateFile = stateFileOf(node);
  const { state } = await stateFile.read();
  const { facts } = await readKnown(node);
  const { committed, previous } = state;
  if (committed?.buildId !== facts.running.buildId) {
    throw new UpdaterError("UNCOMMITTED", "the running build is not committed", { fix: "wait for its gate" });
  }
  if (previous === undefined || previous.slot !== otherSlot(facts.running.slot)) {
    throw new UpdaterError("NOTHING", "the other slot holds no build that ran before", {
      fix: "node-update install --version V --older installs an older one",
    });
  }
  const before = {
    failedUnits: [...(await failedUnits(node.world.processes))],
    timeSynchronized: false,
    channelReached: false,
  };
  const reason = "a person went back from it";
  const trial = {
    ...previous,
    phase: "installed" as const,
    asked: true,
    attempts: 1,
    before,
  };
  await stateFile.write({ ...failed(state, committed, reason, facts.now), trial });
  try {
    await activateInstalled(node.bus, stateFile, facts.running.bootId);
  } catch (error) {
    // Else the next restart, into this slot again, would be held against the build that was to come back.
    await stateFile.write(state);
    throw error;
  }
  node.say(`going back to ${nameOf(previous)}`);
  await reboot(node);
}

/**
 * A run as the timer starts it. A boot that was marked good and not written down, for want of room or of a lock, is
 * committed now: until then nothing else is looked for.
 */
export async function run(node: UpdaterNode): Promise<Status> {
  await commitMissed(node).catch((error: unknown) =>
    // The run that follows says so in the status.
    node.say(`not committed: ${messageOf(error)}`),
  );
  return runUpdater(node, { act: true });
}

async function commitMissed(node: UpdaterNode): Promise<void> {
  // Every run of the timer comes by here: RAUC is not asked.
  if (!(await exists(node.places.markedGood))) return;
  const { buildId } = await readBuild(node.places);
  const { state } = await stateFileOf(node).read();
  if (state.committed?.buildId !== buildId) await commit(node);
}

/** After mark-good: what runs is what the node comes back to. Throws UNCOMMITTED where it was not marked good. */
export async function commit(node: UpdaterNode): Promise<void> {
  if (!(await exists(node.places.markedGood))) {
    throw new UpdaterError("UNCOMMITTED", "this slot is not marked good", {
      fix: "journalctl -u home-pi-mark-good",
    });
  }
  // The marker is there, so readBootFacts no longer takes the card for a new one: the gate has written that down.
  const facts = await readBootFacts(node);
  // Nothing can be written down; that data is out of reach is said at once.
  if (!facts.dataHolds) return publishStatus(await status(node), node.places);
  const stateFile = stateFileOf(node);
  const { state } = await stateFile.read();
  const { standing, state: known } = standingOf(state, facts);
  // The gate did not see a way back, and there is one by now: the next gate takes it.
  if (standing.kind === "crashed") return;
  const after = committedState(known, standing, facts);
  if (JSON.stringify(after) !== JSON.stringify(state)) await stateFile.write(after);
  node.say(`${nameOf(after.committed ?? facts.running)} is committed`);
  await publishStatus(await status(node), node.places);
}

/**
 * Says that this boot was up for long enough (the timer knows): a new build that was marked good in it is trusted from
 * now on, and the starts of its that end without a shutdown count nothing any more. Throws STATE where that cannot be
 * written down; the timer's service tries again.
 */
export async function settled(node: UpdaterNode): Promise<void> {
  if (!(await exists(node.places.markedGood))) return;
  const { buildId } = await readBuild(node.places);
  const stateFile = stateFileOf(node);
  const { state } = await stateFile.read();
  if (!isSettling(state) || state.committed?.buildId !== buildId) return;
  await stateFile.write(trusted(state));
  await rm(node.places.shutDowns, { force: true });
  node.say(`${nameOf(state.committed)} was up for long enough: it is trusted`);
}
