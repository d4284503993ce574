import { z } from "zod";
import type { World } from "../external/world.ts";
import { RehearsalError } from "./failure.ts";
import { INSTALL_MS, LOOK_MS, TRIAL_MS } from "./limits.ts";
import type { RehearsalNode } from "./node.ts";

const buildShown = z.object({ buildId: z.string(), version: z.string().optional(), slot: z.string() });

/** What `node-update status --json` says, as far as it is looked at here. */
const statusRecord = z.object({
  running: buildShown,
  committed: z.boolean(),
  available: z.object({ version: z.string() }).optional(),
  lastFailed: z.object({ version: z.string(), reason: z.string() }).optional(),
  plan: z.string(),
  reason: z.string(),
  alarm: z.boolean(),
});

export type NodeStatus = z.infer<typeof statusRecord>;

/** The file the updater leaves for programs: Node itself takes seconds to start on an emulated Pi. */
const STATUS_FILE = "/run/home-pi/update-status.json";

/** What the updater says itself, asked anew. */
export async function statusOfNode(node: RehearsalNode): Promise<NodeStatus> {
  return parseStatus(await node.command("node-update status --json"));
}

export function parseStatus(text: string): NodeStatus {
  return statusRecord.parse(JSON.parse(text));
}

/** The status as it lies on the node; undefined where it does not answer, or the gate has not judged this boot yet. */
export async function lookAtStatus(node: RehearsalNode): Promise<NodeStatus | undefined> {
  const text = await node.tryCommand(`cat ${STATUS_FILE}`).catch(() => undefined);
  return text === undefined ? undefined : parseStatus(text);
}

/** One line for people. */
export function describeStatus({ running, committed, reason }: NodeStatus): string {
  const name = running.version === undefined ? "the flashed build" : `v${running.version}`;
  return `${name} in slot ${running.slot}${committed ? "" : ", not committed yet"}: ${reason}`;
}

/** Starts a run of the updater, as its timer does, and does not wait for it. */
export async function startUpdater(node: RehearsalNode): Promise<void> {
  await node.command("systemctl start --no-block home-pi-update.service");
}

/**
 * Waits until the node's status, asked over ssh, is as wanted, whatever restarts there are in between. `what` is read
 * after "waiting for". Throws RehearsalError NODE with the last status and the end of the console.
 */
export async function waitForStatus(
  node: RehearsalNode,
  what: string,
  wanted: (status: NodeStatus) => boolean,
  { timeoutMs = INSTALL_MS[node.machine] + TRIAL_MS[node.machine], onLook }: WaitOptions = {},
): Promise<NodeStatus> {
  const { clock, signal }: World = node.bench.world;
  const until = clock.now() + timeoutMs;
  let last: NodeStatus | undefined;
  for (;;) {
    const status = await lookAtStatus(node);
    last = status ?? last;
    onLook?.(status);
    if (status !== undefined && wanted(status)) return status;
    if (clock.now() > until) {
      throw new RehearsalError(
        "NODE",
        `waiting for ${what} took longer than ${Math.round(timeoutMs / 60_000)} min`,
        {
          details: [`last status: ${JSON.stringify(last)}`, ...node.powered.console.tail],
        },
      );
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

export interface WaitOptions {
  readonly timeoutMs?: number;
  /** Hears of each look; undefined: the node did not answer. */
  readonly onLook?: (status: NodeStatus | undefined) => void;
}

/** Waits until a version runs and is committed. */
export function waitForCommitted(
  node: RehearsalNode,
  version: string,
  options?: WaitOptions,
): Promise<NodeStatus> {
  const wanted = (status: NodeStatus): boolean => status.running.version === version && status.committed;
  return waitForStatus(node, `v${version} to be committed`, wanted, options);
}

/** Waits until a version has failed and the one before it runs again, committed. */
export function waitForReturn(
  node: RehearsalNode,
  failed: string,
  before: string,
  options?: WaitOptions,
): Promise<NodeStatus> {
  const wanted = ({ lastFailed, running, committed }: NodeStatus): boolean =>
    lastFailed?.version === `v${failed}` && running.version === before && committed;
  return waitForStatus(node, `v${before} to be back after v${failed} failed`, wanted, options);
}
