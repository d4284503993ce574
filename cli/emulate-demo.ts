import { join, resolve } from "node:path";
import prettyBytes from "pretty-bytes";
import type { LoadedDefinition } from "../lib/cluster/load.ts";
import type { MachineName } from "../lib/emulator/machine.ts";
import type { CastEvent } from "../lib/external/cast-file.ts";
import type { ToolsTree } from "../lib/image/tools/tree.ts";
import { silentReporter } from "../lib/progress/silent.ts";
import type { Demonstration } from "../lib/rehearsal/demonstration.ts";
import type { CliContext } from "./context.ts";

export interface DemoSeat {
  readonly profile: string;
  readonly machine: MachineName;
  readonly loaded: LoadedDefinition;
  readonly tools: ToolsTree;
  readonly consoleLog: string;
  readonly file: string | undefined;
  /** The environment that names the folder of the keys. */
  readonly keys: Readonly<Record<string, string | undefined>>;
  readonly record: string | undefined;
}

/** `07:31` since the beginning. */
function clockOf(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return [Math.floor(seconds / 60), seconds % 60].map((part) => String(part).padStart(2, "0")).join(":");
}

/** The verdict, on one line. */
export function verdictOf({ committed, failed, bundleBytes, wholeBytes, durationMs }: Demonstration): string {
  const sum = (of: Readonly<Record<string, number>>): number =>
    Object.entries(of).reduce((all, [version, bytes]) => (version === "1.0.0" ? all : all + bytes), 0);
  const read = `${prettyBytes(sum(bundleBytes))} downloaded of ${prettyBytes(sum(wholeBytes))}`;
  const way = committed.map((version) => `v${version}`).join(" -> ");
  return `ok: ${way}, and back from ${failed.version} without a hand; ${read}; ${clockOf(durationMs)}`;
}

/** Builds the profile with development keys, and lets an emulated node go through three releases made from it. */
export async function demonstrateOn(context: CliContext, seat: DemoSeat): Promise<void> {
  const { cacheDir, world, reporter, project } = context;
  const [{ buildImages }, { provisionerNamed }, { developmentKeys }, { demonstrate }] = await Promise.all([
    import("../lib/image/build/build.ts"),
    import("../lib/image/provision/choose.ts"),
    import("../lib/manifest/project-keys.ts"),
    import("../lib/rehearsal/demonstration.ts"),
  ]);
  const { cluster, update } = seat.loaded.definition;
  const now = new Date(world.clock.now());
  // Never the cluster's own keys: what is released here must not be taken by a real node.
  const keys = await developmentKeys({ cluster, env: seat.keys, now });
  const [image] = await buildImages(
    {
      ...{ project, cacheDir, keys: keys.publicFolder, only: [seat.profile], plain: false },
      ...(seat.file === undefined ? {} : { file: seat.file }),
      provisioner: () => provisionerNamed("chroot", cacheDir, world, reporter),
    },
    world,
    reporter,
  );
  if (image === undefined) throw new Error(`nothing was built for ${seat.profile}`);
  const started = world.clock.now();
  const events: CastEvent[] = [];
  const tell = (line: string): void => {
    const atMs = world.clock.now() - started;
    const text = `${clockOf(atMs)}  ${line}\n`;
    events.push({ atMs, text });
    context.print(text);
  };
  const shown = await demonstrate({
    ...{ machine: seat.machine, image, window: update.window, consoleLog: seat.consoleLog, tell },
    store: {
      ...{ keys: keys.keys, trustedRoot: keys.trustedRoot, tools: seat.tools, world },
      reporter: silentReporter,
    },
    scratch: join(cacheDir, "scratch"),
  });
  tell(verdictOf(shown));
  if (seat.record === undefined) return;
  const { writeCast } = await import("../lib/external/cast-file.ts");
  await writeCast(resolve(seat.record), events, "./pi emulate --demo");
}
