import { readBounded } from "../../lib/external/bounded-file.ts";
import { exists, writeAtomically } from "../../lib/external/files.ts";
import { readBuild } from "../config.ts";
import { MAX_SHUT_DOWNS_BYTES } from "../limits.ts";
import { isSynchronized, readBootId, readData, readSlot } from "../node-facts.ts";
import { type Places, UNITS } from "../places.ts";
import { useUp } from "../rauc/boot-state.ts";
import { readSlots } from "../rauc/slots.ts";
import { publishAlarm } from "../report/current.ts";
import { reboot, stateFileOf, type UpdaterNode } from "../run.ts";
import { otherSlot, type SlotName } from "../state/record.ts";
import { channelProblem } from "./channel.ts";
import type { GateNode } from "./gate.ts";
import { failedUnits, gateUnit, runChecks } from "./health.ts";
import type { BootFacts, Health, Standing } from "./judge.ts";

/** The gate's own units: whether they fail, or get to their end, is what is being found out. */
const OWN = /^home-pi-update/;

export async function readBootFacts({ places, bus, world }: UpdaterNode): Promise<BootFacts> {
  const [build, slot, data] = [await readBuild(places), await readSlot(places), await readData(places)];
  const slots = (await readSlots(bus).catch(() => undefined))?.slots ?? [];
  const other = slots.find(({ bootname }) => bootname === otherSlot(slot));
  const known = slots.flatMap(({ bootname, buildId }) =>
    buildId === undefined ? [] : [[bootname, buildId]],
  );
  return {
    running: { buildId: build.buildId, slot, bootId: await readBootId(places) },
    slotBuilds: Object.fromEntries(known) as BootFacts["slotBuilds"],
    dataHolds: data.holds,
    other: other?.bootStatus === "good" || other?.bootStatus === "bad" ? other.bootStatus : "unknown",
    shutDowns: await readShutDowns(places),
    // Only until something was committed in this very boot: the gate may run again.
    flashed: data.flashed && !(await exists(places.markedGood)),
    now: world.clock.now(),
  };
}

/** The boots that the unit home-pi-update-ended.service noted down, one id a line. What cannot be read is none. */
async function readShutDowns(places: Places): Promise<readonly string[]> {
  const read = await readBounded(places.shutDowns, MAX_SHUT_DOWNS_BYTES).catch(() => undefined);
  if (read?.kind !== "content") return [];
  return Buffer.from(read.bytes).toString("utf8").split("\n");
}

/** `followed`: whether this build was seen to follow the channel since the gate began. */
async function readHealth(
  node: UpdaterNode,
  standing: Standing,
  leftMs: () => number,
  followed: boolean,
): Promise<Health> {
  const { places, world } = node;
  const { processes } = world;
  const gate = await gateUnit(processes, UNITS.gate, places.healthSays);
  const rest = {
    gate,
    dataMounted: (await readData(places)).holds,
    timeSynchronized: await isSynchronized(places),
  };
  // Every boot waits for the gate units; the rest is asked of a new build alone.
  if (standing.kind !== "trial" || gate !== "well") {
    return { ...rest, failedUnits: [], channelProblem: undefined, checks: [] };
  }
  const asked = standing.trial.before.channelReached && !followed;
  return {
    ...rest,
    failedUnits: (await failedUnits(processes)).filter((unit) => !OWN.test(unit)),
    channelProblem: asked ? await channelProblem(node) : undefined,
    checks: await runChecks(processes, places.healthChecks, leftMs),
  };
}

/** The gate's node, for real. */
export function gateNode(node: UpdaterNode): GateNode {
  const { world, bus, places } = node;
  const stateFile = stateFileOf(node);
  let followed = false;
  return {
    readState: async () => (await stateFile.read()).state,
    // It looks for minutes and takes no lock: what a person says of updates meanwhile is not to be forgotten.
    writeState: async (state) => void (await stateFile.change(({ paused }) => ({ ...state, paused }))),
    facts: () => readBootFacts(node),
    health: async (standing, leftMs) => {
      const health = await readHealth(node, standing, leftMs, followed);
      // Before its units run, and of a build that is not on trial, nothing was asked.
      followed ||= health.gate === "well" && health.channelProblem === undefined;
      return health;
    },
    activate: async (slot: SlotName) => {
      const { booted } = await readSlots(bus);
      await bus.call("Mark", "ss", ["active", booted === slot ? "booted" : "other"]);
    },
    leaves: () => writeAtomically(places.leaving, ""),
    useUp: async () => useUp(world.processes, await readSlot(places)),
    reboot: () => reboot(node),
    alarm: (reason) => publishAlarm(node, `This start is not marked good: ${reason.replace(/\.$/, "")}.`),
    say: node.say,
    elapsed: () => world.clock.elapsed(),
    sleep: (ms) => world.clock.sleep(ms),
  };
}
