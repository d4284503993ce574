import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MachineExtras, MachineName } from "../../lib/emulator/machine.ts";
import type { Listening } from "../../lib/external/listening.ts";
import { withScratch } from "../../lib/external/scratch.ts";
import type { BuiltImage } from "../../lib/image/build/results.ts";
import { type EditedBuild, editBuild } from "../../lib/rehearsal/edition.ts";
import { type NodeStatus, waitForStatus } from "../../lib/rehearsal/follow.ts";
import type { RehearsalNode } from "../../lib/rehearsal/node.ts";
import { shiftIntoWindow } from "../../lib/rehearsal/node-time.ts";
import { type Edition, type RehearsalStore, releaseBuild } from "../../lib/rehearsal/publish.ts";
import type { SlotEdit } from "../../lib/rehearsal/slot-edit.ts";
import { type Stage, withStage } from "../../lib/rehearsal/stage.ts";
import { type NodeBuild, nodeBuild } from "./node-build.ts";
import { holdingCache, quietStep, world } from "./surroundings.ts";

export interface SessionRequest {
  readonly name: string;
  readonly machine?: MachineName;
  readonly serve?: (folder: string) => Promise<Listening>;
  readonly beforePower?: (node: RehearsalNode) => Promise<MachineExtras>;
  /** Made while the node starts for the first time. */
  readonly meanwhile?: (edited: NodeSession["edited"]) => Promise<void>;
}

/** A node that was flashed with v1.0.0 and has committed it, and the store it follows. */
export interface NodeSession {
  readonly stage: Stage;
  readonly node: RehearsalNode;
  readonly build: NodeBuild;
  readonly store: RehearsalStore;
  /** Folder of this session. */
  readonly folder: string;
  /** A build with files of the flashed one changed. */
  edited(name: string, edits: readonly SlotEdit[]): Promise<EditedBuild>;
  release(version: string, build: BuiltImage, edition?: Edition): Promise<void>;
}

/** One changed file: enough for another build. */
export const harmless = (text: string): readonly SlotEdit[] => [
  { kind: "write", path: "/etc/motd", content: `${text}\n` },
];

export async function withNodeSession(
  request: SessionRequest,
  work: (session: NodeSession) => Promise<void>,
): Promise<void> {
  const { name, machine = "virt", serve, beforePower } = request;
  const build = await nodeBuild();
  const { image, tools, scratch } = build;
  const logs = process.env.PI_TEST_LOGS ?? join(tmpdir(), "home-pi-consoles");
  await mkdir(logs, { recursive: true });
  const inScratch = (what: (folder: string) => Promise<void>): Promise<void> =>
    holdingCache(() => withScratch(scratch, "session-", what));
  await inScratch(async (folder) => {
    const places = { folder: join(folder, "store"), work: join(folder, "releases") };
    const store: RehearsalStore = { ...build.store, ...places };
    const release = async (version: string, made: BuiltImage, edition?: Edition): Promise<void> => {
      await releaseBuild(store, `v${version}`, made, quietStep, edition);
    };
    await release("1.0.0", image);
    const clockAheadMs = shiftIntoWindow(build.window, world.clock.now());
    await withStage(
      {
        ...{ machine, image: join(image.folder, "disk.img.zst"), store: store.folder, hostname: "pi-1" },
        ...{ clockAheadMs, scratch: folder, consoleLog: join(logs, `${name}-${machine}.log`) },
        ...(serve === undefined ? {} : { serve }),
        ...(beforePower === undefined ? {} : { beforePower }),
      },
      tools,
      world,
      async (stage) => {
        const { node } = stage;
        const edited = (what: string, edits: readonly SlotEdit[]): Promise<EditedBuild> =>
          editBuild(image, edits, join(folder, what), tools, world);
        const made = request.meanwhile?.(edited);
        made?.catch(() => undefined);
        await waitForStatus(node, "the flashed build to be committed", ({ committed }) => committed);
        await made;
        await work({ stage, node, build, store, folder, edited, release });
      },
    );
  });
}

const UNIT = "home-pi-update.service";
/** Shorter than one command may take. */
const WAIT_S = 200;

/** One run of the updater, waited for; what it says of itself afterwards. Its unit has a limit of its own. */
export async function runUpdaterOn(node: RehearsalNode): Promise<NodeStatus> {
  // Whether it failed is in the status. 124: it goes on.
  let told = await node.command(
    `systemctl reset-failed ${UNIT}; timeout ${WAIT_S} systemctl start ${UNIT}; [ $? -eq 124 ] || echo ended`,
  );
  while (!told.includes("ended")) {
    told = await node.command(
      `timeout ${WAIT_S} sh -c 'while [ $(systemctl is-active ${UNIT}) = activating ]; do sleep 2; done' && echo ended || true`,
    );
  }
  return JSON.parse(await node.command("cat /run/home-pi/update-status.json")) as NodeStatus;
}
