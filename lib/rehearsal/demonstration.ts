import { join } from "node:path";
import prettyBytes from "pretty-bytes";
import type { MachineName } from "../emulator/machine.ts";
import { withScratch } from "../external/scratch.ts";
import type { BuiltImage } from "../image/build/results.ts";
import { silentStep } from "../progress/silent.ts";
import { editBuild } from "./edition.ts";
import { RehearsalError } from "./failure.ts";
import {
  describeStatus,
  type NodeStatus,
  startUpdater,
  statusOfNode,
  waitForCommitted,
  waitForReturn,
  waitForStatus,
} from "./follow.ts";
import { shiftIntoWindow } from "./node-time.ts";
import { type RehearsalStore, releaseBuild } from "./publish.ts";
import type { SlotEdit } from "./slot-edit.ts";
import { type Stage, withStage } from "./stage.ts";

export interface DemonstrationRequest {
  readonly machine: MachineName;
  /** The build that is flashed as v1.0.0; the others are edited from it. */
  readonly image: BuiltImage;
  readonly store: Omit<RehearsalStore, "folder" | "work">;
  /** `update.window` of the definition. */
  readonly window: string | undefined;
  /** On one file system with the build's folder. */
  readonly scratch: string;
  readonly consoleLog: string;
  /** Hears what happens as it does: one line for people. */
  readonly tell: (line: string) => void;
  readonly onLine?: (line: string) => void;
}

export interface Demonstration {
  /** What ran and was committed, in order; a version that failed is not among them. */
  readonly committed: readonly string[];
  readonly failed: NonNullable<NodeStatus["lastFailed"]>;
  /** Bytes of bundles the node asked for, by version. */
  readonly bundleBytes: Readonly<Record<string, number>>;
  /** Bytes of each bundle, by version. */
  readonly wholeBytes: Readonly<Record<string, number>>;
  readonly starts: number;
  /** What updater and RAUC said on all builds whose /var is still there. */
  readonly journal: string;
  readonly durationMs: number;
}

/** Each build has a /var of its own, and its journal in it. */
export const READ_JOURNALS =
  "for at in /data/var/*/log/journal; do journalctl -D $at --no-pager -u home-pi-update.service -u rauc.service; done";

const BROKEN_UNIT = `[Unit]
Description=A service that a careless release broke

[Service]
Type=oneshot
ExecStart=/bin/false
`;

/** What each release changes; v1.2.0's gate asks for a service that cannot start. */
export const DEMO_EDITIONS: Readonly<Record<string, readonly SlotEdit[]>> = {
  "1.1.0": [{ kind: "write", path: "/etc/motd", content: "This is v1.1.0.\n" }],
  "1.2.0": [
    { kind: "write", path: "/etc/motd", content: "This is v1.2.0, and it is broken.\n" },
    { kind: "write", path: "/usr/lib/systemd/system/broken.service", content: BROKEN_UNIT },
    {
      kind: "link",
      path: "/usr/lib/systemd/system/multi-user.target.wants/broken.service",
      target: "../broken.service",
    },
    { kind: "write", path: "/usr/lib/home-pi/gate.d/90-broken.conf", content: "broken.service\n" },
  ],
  "1.3.0": [{ kind: "write", path: "/etc/motd", content: "This is v1.3.0.\n" }],
};

/**
 * A node that is flashed with v1.0.0 and left alone: it takes v1.1.0, comes back from v1.2.0, which is broken, and takes
 * v1.3.0. Nothing touches it but the start of its updater, which its timer would bring hours later.
 * Throws RehearsalError where the node does something else.
 */
export function demonstrate(request: DemonstrationRequest): Promise<Demonstration> {
  return withScratch(request.scratch, "demonstration-", (folder) => play(request, folder));
}

async function play(request: DemonstrationRequest, folder: string): Promise<Demonstration> {
  const { image, tell, machine } = request;
  const { tools, world } = request.store;
  const store: RehearsalStore = {
    ...request.store,
    ...{ folder: join(folder, "store"), work: join(folder, "releases") },
  };
  const started = world.clock.now();
  const clockAheadMs = shiftIntoWindow(request.window, started);
  const bundles = { bundleBytes: {} as Record<string, number>, wholeBytes: {} as Record<string, number> };
  const publish = async (version: string, build: BuiltImage): Promise<void> => {
    const document = await releaseBuild(store, `v${version}`, build, silentStep);
    bundles.wholeBytes[version] = document.assets.find(({ name }) => name.endsWith(".raucb"))?.bytes ?? 0;
    tell(`v${version} is released: the store's signed manifest names it`);
  };
  const edited = async (version: string): Promise<BuiltImage> =>
    editBuild(image, DEMO_EDITIONS[version] ?? [], join(folder, `v${version}`), tools, world);
  await publish("1.0.0", image);
  return withStage(
    {
      ...{ machine, image: join(image.folder, "disk.img.zst"), store: store.folder, hostname: "pi-1" },
      ...{ clockAheadMs, scratch: folder, consoleLog: request.consoleLog },
      ...(request.onLine === undefined ? {} : { onLine: request.onLine }),
      onRequest: ({ path, bytes }) => {
        const version = /-(\d+\.\d+\.\d+)\.raucb$/.exec(path)?.[1];
        if (version !== undefined) bundles.bundleBytes[version] = (bundles.bundleBytes[version] ?? 0) + bytes;
      },
    },
    tools,
    world,
    async (stage) => {
      tell(`a card is flashed with v1.0.0, and an emulated ${machine} switched on`);
      if (clockAheadMs > 0) tell(`its clock is set into its update window, ${request.window}`);
      const { committed, failed } = await follow(stage, publish, edited, tell, bundles.bundleBytes);
      const { starts } = stage.node;
      const journal = await stage.node.command(READ_JOURNALS);
      const durationMs = world.clock.now() - started;
      return { committed, failed, ...bundles, starts, journal, durationMs };
    },
  );
}

type Publish = (version: string, build: BuiltImage) => Promise<void>;

async function follow(
  { node }: Stage,
  publish: Publish,
  edited: (version: string) => Promise<BuiltImage>,
  tell: (line: string) => void,
  bytes: Readonly<Record<string, number>>,
): Promise<Pick<Demonstration, "committed" | "failed">> {
  const watch = { onLook: teller(tell) };
  const committed: string[] = [];
  const update = async (version: string, build: BuiltImage): Promise<void> => {
    await publish(version, build);
    await startUpdater(node);
    const { running } = await waitForCommitted(node, version, watch);
    committed.push(running.version ?? "");
    tell(`v${version} is committed; ${prettyBytes(bytes[version] ?? 0)} of its bundle were downloaded`);
  };
  // What is to be released is made while the node is busy, one after the other.
  const good = edited("1.1.0");
  const bad = good.then(() => edited("1.2.0"));
  const last = bad.then(() => edited("1.3.0"));
  for (const made of [good, bad, last]) made.catch(() => undefined);
  await waitForStatus(node, "the flashed build to be committed", ({ committed }) => committed, watch);
  // Its image carries no version; the manifest gives it one.
  committed.push("1.0.0");
  tell("the flashed build works and is committed");
  await update("1.1.0", await good);
  await publish("1.2.0", await bad);
  await startUpdater(node);
  const back = await waitForReturn(node, "1.2.0", "1.1.0", watch);
  if (back.lastFailed === undefined) throw new RehearsalError("VERDICT", "no version failed");
  tell(`v1.2.0 failed (${back.lastFailed.reason}); v1.1.0 runs again`);
  await startUpdater(node);
  const refused = await waitForStatus(
    node,
    "the failed version to be left alone",
    ({ plan, reason }) => plan === "nothing" && /failed here/.test(reason),
    watch,
  );
  tell(refused.reason);
  await update("1.3.0", await last);
  const end = await statusOfNode(node);
  if (end.alarm || end.running.version !== "1.3.0") {
    throw new RehearsalError("VERDICT", "the node does not say that all is well", {
      details: [JSON.stringify(end)],
    });
  }
  return { committed, failed: back.lastFailed };
}

/** Tells of each change once: that the node is away, what runs, what it is doing and why. */
function teller(tell: (line: string) => void): (status: NodeStatus | undefined) => void {
  let told = "";
  return (status) => {
    const line = status === undefined ? undefined : `  node: ${describeStatus(status)}`;
    if (line === undefined || line === told) return;
    told = line;
    tell(line);
  };
}
