import { rm } from "node:fs/promises";
import type { World } from "../lib/external/world.ts";
import { messageOf } from "../lib/failure.ts";
import { activateInstalled } from "./activate.ts";
import { checkClock, readChannel } from "./channel/read.ts";
import { type BuildFacts, type Config, readBuild, readConfig } from "./config.ts";
import { decide, type Facts, type Reading } from "./decide.ts";
import { isSynchronized, readFacts } from "./node-facts.ts";
import { performInstall } from "./perform-install.ts";
import { type Places, UNITS } from "./places.ts";
import { alarm, type Plan } from "./plan.ts";
import type { Bus } from "./rauc/bus.ts";
import { readSlots } from "./rauc/slots.ts";
import { publishStatus, readStatus } from "./report/publish.ts";
import { type Announced, announced, announcedIn, type Status, statusOf } from "./report/status.ts";
import { StateFile } from "./state/file.ts";
import { emptyState, type State } from "./state/record.ts";
import { failedUnits } from "./trial/health.ts";
import { withdraw } from "./withdraw.ts";

export interface UpdaterNode {
  readonly world: World;
  readonly places: Places;
  readonly bus: Bus;
  readonly say: (line: string) => void;
}

const REBOOT_MS = 60_000;
/** For the first time from the network; the service of the timer waits, a person does not. In milliseconds. */
export interface RunOptions {
  /** Whether a plan is carried out, or only shown. */
  readonly act: boolean;
  readonly timeWaitMs?: number;
  /** Whether what a person wished a moment ago counts. One that was left behind by a run that died does not. */
  readonly wished?: boolean;
}

interface Known {
  readonly config: Config;
  readonly build: BuildFacts;
  readonly facts: Facts;
}

export function stateFileOf(node: UpdaterNode): StateFile {
  return new StateFile(node.places.state);
}

/** What is true here, without a look at the network. */
export async function readKnown(node: UpdaterNode): Promise<Known> {
  const { places, bus, world } = node;
  const [config, build] = [await readConfig(places), await readBuild(places)];
  const slots = await readSlots(bus).catch(() => undefined);
  return { config, build, facts: await readFacts(places, build, config, slots, world.clock) };
}

/**
 * One run: decides, looks at the channel where that is the answer, decides again, and does it. The plan is said
 * before it is carried out. Returns the status, which is also left where people and programs look for it; so is what
 * goes wrong, whatever it is.
 */
export async function runUpdater(node: UpdaterNode, options: RunOptions): Promise<Status> {
  const known = await readKnown(node);
  try {
    return await runKnown(node, known, options);
  } catch (error) {
    await publishProblem(node, known, error);
    throw error;
  }
}

/** What a plan is made of, and what else the manifest says. */
interface Seen {
  readonly state: State;
  /** Undefined: the channel was not looked at, or its server gave no time to trust. */
  readonly reading: Reading | undefined;
  readonly facts: Facts;
  readonly told: Announced;
}

async function runKnown(node: UpdaterNode, known: Known, options: RunOptions): Promise<Status> {
  const state = await recall(node, options);
  const told = announcedIn(await readStatus(node.places));
  let seen: Seen = { state, reading: undefined, facts: known.facts, told };
  let plan = decide(state, undefined, known.facts, !options.act);
  if (plan.kind === "poll") {
    seen = await poll(node, known, seen, options).catch((error: unknown) => unread(node, seen, error));
    plan = decide(seen.state, seen.reading, seen.facts);
  }
  const status = await tell(node, seen, plan);
  if (options.act && status.next !== undefined) await wakeAt(node, status.next);
  if (!options.act) return status;
  if (plan.kind === "withdraw") return withdrawNow(node, seen, plan);
  if (plan.kind === "install" && known.config.address !== undefined)
    await installNow(node, known, plan, known.config.address);
  return plan.kind === "install" || plan.kind === "restart" ? restart(node, seen) : status;
}

/** What goes wrong while the channel is looked at does not hold back what is installed already: that may be the cure. */
function unread(node: UpdaterNode, seen: Seen, error: unknown): Seen {
  if (seen.state.trial?.phase !== "installed") throw error;
  const reason = `The channel cannot be read: ${messageOf(error).replace(/\.$/, "")}.`;
  node.say(reason);
  return { ...seen, reading: { kind: "problem", reason, alarm: true } };
}

/** Says what is planned, and leaves it where people and programs look for it. */
async function tell(node: UpdaterNode, { state, facts, told }: Seen, plan: Plan): Promise<Status> {
  const status = statusOf(state, plan, facts, told);
  await publishStatus(status, node.places);
  node.say(`${plan.kind}: ${plan.reason}`);
  return status;
}

/** What is remembered, said where it is lost. */
async function recall(node: UpdaterNode, { wished = false }: RunOptions): Promise<State> {
  const stateFile = stateFileOf(node);
  const { state, lost } = await stateFile.read();
  if (lost !== undefined) node.say(`what was remembered is lost: ${lost}`);
  return wished || state.wish === undefined ? state : stateFile.change(withoutWish);
}

export const withoutWish = ({ wish: _, ...rest }: State): State => rest;

async function poll(node: UpdaterNode, known: Known, had: Seen, options: RunOptions): Promise<Seen> {
  const { places, world } = node;
  const { facts } = known;
  const { channel, address } = known.config;
  if (address === undefined) {
    const reason = "No address to look for updates at: this image was built without one.";
    // A node that has followed a channel before, and whose image names none any more, waits for a person.
    return { ...had, reading: { kind: "problem", reason, alarm: had.state.lastCheck !== undefined } };
  }
  const verdict = await checkClock(address, had.state, places, world.clock, options.timeWaitMs);
  if (!verdict.trusted) return { ...had, facts: { ...facts, clockProblem: verdict.problem } };
  if (verdict.healed) node.say("the last known time was in the future and is set back: two sources agree");
  const floors = { ...had.state.floors, lastKnownTime: verdict.lastKnownTime };
  const before = { ...had.state, floors };
  const read = await readChannel(address, channel, facts.running, before, places, world.clock);
  const state = await stateFileOf(node).write(read.state, verdict.healed);
  return {
    ...{ state, reading: read.reading },
    // The time from the network may have come only now.
    facts: { ...facts, now: world.clock.now() },
    told:
      read.opened !== undefined && read.reading.kind === "read"
        ? announced(read.reading.channel, facts.running.id, read.opened.expires)
        : had.told,
  };
}

async function installNow(
  node: UpdaterNode,
  { facts }: Known,
  plan: Plan & { kind: "install" },
  address: string,
): Promise<void> {
  const { world, places, bus, say } = node;
  const before = {
    failedUnits: [...(await failedUnits(world.processes))],
    timeSynchronized: await isSynchronized(places),
    // Its manifest was read a moment ago.
    channelReached: true,
  };
  const { image, asked } = plan;
  const order = { image, asked, running: facts.running, before, address };
  const tools = { world, bus, places, stateFile: stateFileOf(node), onProgress: say };
  const { receivedBytes, streamed } = await performInstall(order, tools);
  say(`installed v${image.version}: ${receivedBytes} bytes ${streamed ? "streamed" : "downloaded"}`);
}

/** A run that went wrong shows in the status, not only in the journal. */
async function publishProblem(node: UpdaterNode, { facts }: Known, error: unknown): Promise<void> {
  const { state } = await stateFileOf(node)
    .read()
    .catch(() => ({ state: emptyState }));
  const had = await readStatus(node.places);
  const said = messageOf(error).replace(/\.$/, "");
  const intended = had?.intended?.replace(/^v/, "");
  const givenUp = intended !== undefined && state.failed.some(({ version }) => version === intended);
  const reason = `${said}; ${givenUp ? "a newer version is waited for" : "the next run tries again"}.`;
  const now = { ...facts, now: node.world.clock.now() };
  const status = statusOf(state, alarm(reason), now, announcedIn(had));
  const { available, intended: name } = had ?? {};
  await publishStatus({ ...status, available, intended: status.intended ?? name }, node.places);
}

/** What was said before it is what there is to say after it: nobody looked again. */
async function withdrawNow(node: UpdaterNode, seen: Seen, plan: Plan): Promise<Status> {
  const state = await withdraw(node.bus, stateFileOf(node));
  const status = statusOf(state, plan, seen.facts, seen.told);
  await publishStatus(status, node.places);
  return status;
}

/**
 * Decides anew: the installation took its time, and the window may be over. What the channel said a moment ago counts:
 * it is not looked at twice.
 */
async function restart(node: UpdaterNode, seen: Seen): Promise<Status> {
  const { state } = await stateFileOf(node).read();
  const facts = { ...seen.facts, now: node.world.clock.now() };
  const plan = decide(state, seen.reading, facts);
  const status = await tell(node, { ...seen, state, facts }, plan);
  if (status.next !== undefined) await wakeAt(node, status.next);
  if (plan.kind !== "restart") return status;
  await activateInstalled(node.bus, stateFileOf(node), facts.running.bootId);
  await reboot(node);
  return status;
}

/** Nodes of one window do not begin in the same second. */
const WINDOW_JITTER_S = 300;

/**
 * Lets systemd start the updater when the window opens; the timer alone might miss it. Told in UTC: the node's
 * systemd may know no time zones, and Node does. Asked for anew by each run, so it may be lost with a restart.
 */
async function wakeAt({ world, say }: UpdaterNode, at: number): Promise<void> {
  const unit = UNITS.window;
  const when = new Date(at).toISOString().slice(0, 19).replace("T", " ");
  const timer = [
    `--unit=${unit}`,
    `--on-calendar=${when} UTC`,
    `--timer-property=RandomizedDelaySec=${WINDOW_JITTER_S}`,
  ];
  const start = ["systemctl", "start", "--no-block", UNITS.service];
  const run = (argv: [string, ...string[]]) => world.processes.run({ argv, timeoutMs: REBOOT_MS });
  await run(["systemctl", "stop", `${unit}.timer`]).catch(() => undefined);
  await run(["systemd-run", "--collect", ...timer, ...start]).catch((error: unknown) => {
    say(`the next window is not waited for: ${messageOf(error)}`);
  });
}

export async function reboot({ world, places }: UpdaterNode): Promise<void> {
  await rm(places.intended, { force: true });
  await world.processes.run({ argv: ["systemctl", "reboot"], timeoutMs: REBOOT_MS });
}
