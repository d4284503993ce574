import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { MachineExtras, MachineName } from "../emulator/machine.ts";
import { type ServedRequest, serveFiles } from "../external/file-server.ts";
import type { Listening } from "../external/listening.ts";
import { openLogFile } from "../external/log-file.ts";
import { shortParent, withScratch } from "../external/scratch.ts";
import { serveTime, type TimeServer } from "../external/time-server.ts";
import type { World } from "../external/world.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import { RehearsalNode } from "./node.ts";

export interface StageRequest {
  readonly machine: MachineName;
  /** Path of the image that is flashed. */
  readonly image: string;
  /** Folder of the store that the node follows. */
  readonly store: string;
  readonly hostname: string;
  /** Public keys that may log in besides ours. */
  readonly ssh?: readonly string[];
  /** What the node's clock is ahead of ours, in milliseconds. */
  readonly clockAheadMs: number;
  readonly scratch: string;
  readonly consoleLog: string;
  readonly onRequest?: (request: ServedRequest) => void;
  /** Another server for the store than a good one. */
  readonly serve?: (folder: string) => Promise<Listening>;
  readonly onLine?: (line: string) => void;
  /** Looks at the flashed card before it is powered for the first time, and says what the machine gets besides. */
  readonly beforePower?: (node: RehearsalNode) => Promise<MachineExtras>;
}

/** A node that is switched on, with what it reaches. */
export interface Stage {
  readonly node: RehearsalNode;
  readonly time: TimeServer;
  /** Port of the store on the loopback. */
  readonly storePort: number;
}

/**
 * Flashes a card, serves store and time beside it, and switches the node on for as long as `work` takes. All of it is
 * gone afterwards, on every path. Throws EmulatorError, RehearsalError, and what the servers throw.
 */
export async function withStage<T>(
  request: StageRequest,
  tools: ToolsTree,
  world: World,
  work: (stage: Stage) => Promise<T>,
): Promise<T> {
  await mkdir(join(request.store, "releases"), { recursive: true });
  const log = await openLogFile(request.consoleLog);
  const onRequest = request.onRequest ?? (() => undefined);
  try {
    const server =
      (await request.serve?.(request.store)) ??
      (await serveFiles({ root: request.store, host: "127.0.0.1", port: 0 }, onRequest));
    try {
      const time = await serveTime(world.clock, request.clockAheadMs);
      try {
        return await withScratch(request.scratch, "node-", (bench) =>
          withScratch(shortParent(), "pi-", async (socketFolder) => {
            const { machine, image, hostname, ssh, onLine, beforePower } = request;
            const node = await RehearsalNode.flash(
              { tools, world, work: bench },
              {
                ...{ machine, image, hostname, socketFolder, log: log.write, storePort: server.port },
                ...(ssh === undefined ? {} : { ssh }),
                ...(onLine === undefined ? {} : { onLine }),
              },
            );
            await node.switchOn(await beforePower?.(node));
            try {
              return await work({ node, time, storePort: server.port });
            } finally {
              await node.cut();
            }
          }),
        );
      } finally {
        await time.close();
      }
    } finally {
      await server.close();
    }
  } finally {
    await log.close();
  }
}
