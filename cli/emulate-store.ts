import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { LoadedDefinition } from "../lib/cluster/load.ts";
import type { MachineName } from "../lib/emulator/machine.ts";
import { exists } from "../lib/external/files.ts";
import type { ToolsTree } from "../lib/image/tools/tree.ts";
import type { Stage } from "../lib/rehearsal/stage.ts";
import type { CliContext } from "./context.ts";
import { defaultStore } from "./release-places.ts";

export interface StoreSeat {
  readonly profile: string;
  readonly machine: MachineName;
  readonly loaded: LoadedDefinition;
  readonly tools: ToolsTree;
  readonly consoleLog: string;
  readonly store: string | undefined;
  readonly release: string | undefined;
  readonly nodeName: string | undefined;
}

/** Between two looks at the store and the node, in milliseconds. */
const LOOK_MS = 5_000;

const folderOf = (context: Pick<CliContext, "project">, store: string | undefined): string =>
  store === undefined ? defaultStore(context.project) : resolve(store);

/** Throws ReleaseError STORE where nothing was released into the folder. */
export async function requireReleases(context: Pick<CliContext, "project">, store?: string): Promise<void> {
  const folder = folderOf(context, store);
  if (await exists(join(folder, "manifest", "timestamp.json"))) return;
  const { ReleaseError } = await import("../lib/release/failure.ts");
  throw new ReleaseError("STORE", `nothing was released into ${folder} yet`, {
    fix: "./pi release makes a release; ./pi emulate --demo needs none",
  });
}

/** The released image that is flashed. Throws ReleaseError STORE where there is none. */
async function releasedImage(context: CliContext, seat: StoreSeat): Promise<{ tag: string; image: string }> {
  const [
    { localStore },
    { compareVersions, parseVersion },
    { releaseDocument },
    { readFile },
    { ReleaseError },
  ] = await Promise.all([
    import("../lib/release/local-store.ts"),
    import("../lib/release/version.ts"),
    import("../lib/release/document.ts"),
    import("node:fs/promises"),
    import("../lib/release/failure.ts"),
  ]);
  const folder = folderOf(context, seat.store);
  const released = await localStore({ folder }, context.world).releases();
  const tags = released.filter(({ draft }) => !draft).map(({ tag }) => parseVersion(tag));
  const newest = tags.sort((a, b) => compareVersions(b, a))[0];
  const tag = seat.release ?? newest?.tag ?? "";
  if (!tags.some((version) => version.tag === tag)) {
    throw new ReleaseError("STORE", `there is no release ${tag} in ${folder}`, {
      fix: `one of: ${tags.map((version) => version.tag).join(", ")}`,
    });
  }
  const at = join(folder, "releases", tag);
  const { builds } = releaseDocument.parse(JSON.parse(await readFile(join(at, "release.json"), "utf8")));
  const build = builds.find(({ profile }) => profile === seat.profile);
  if (build !== undefined) return { tag, image: join(at, build.image) };
  throw new ReleaseError("STORE", `${tag} has no image of a profile "${seat.profile}"`, {
    fix: `one of: ${builds.map(({ profile }) => profile).join(", ")}`,
  });
}

/** Lets an emulated node follow the store until Ctrl-C; each release that is published meanwhile wakes its updater. */
export async function followStore(context: CliContext, seat: StoreSeat): Promise<void> {
  const { world, cacheDir } = context;
  const { definition } = seat.loaded;
  const { tag, image } = await releasedImage(context, seat);
  const [{ withStage }, { shiftIntoWindow }] = await Promise.all([
    import("../lib/rehearsal/stage.ts"),
    import("../lib/rehearsal/node-time.ts"),
  ]);
  const store = folderOf(context, seat.store);
  const ssh = seat.nodeName === undefined ? [] : (definition.nodes[seat.nodeName]?.ssh ?? []);
  const clockAheadMs = shiftIntoWindow(definition.update.window, world.clock.now());
  context.print(`${tag} of ${seat.profile} on an emulated ${seat.machine}; it follows ${store}\n`);
  if (clockAheadMs > 0)
    context.print(`its clock is set into its update window, ${definition.update.window}\n`);
  context.print("Ctrl-C ends it; publish another release meanwhile: ./pi release\n");
  await withStage(
    {
      ...{ machine: seat.machine, image, store, hostname: seat.nodeName ?? "emulated-pi", ssh, clockAheadMs },
      ...{ scratch: join(cacheDir, "scratch"), consoleLog: seat.consoleLog },
    },
    seat.tools,
    world,
    (stage) => watch(context, stage, join(store, "manifest", "timestamp.json")),
  ).catch((error: unknown) => {
    // Leaving is how it ends.
    if (!world.signal.aborted) throw error;
  });
}

async function watch(context: CliContext, { node }: Stage, manifest: string): Promise<void> {
  const { world, print } = context;
  const { describeStatus, startUpdater, lookAtStatus } = await import("../lib/rehearsal/follow.ts");
  print(`log in once it is up: ssh -p ${node.sshPort} -i ${node.key.file} root@127.0.0.1\n`);
  let [told, seen] = ["", 0];
  while (!world.signal.aborted) {
    const status = await lookAtStatus(node);
    const line = status === undefined ? told : describeStatus(status);
    if (line !== told) print(`${new Date(world.clock.now()).toISOString().slice(11, 19)}  ${line}\n`);
    told = line;
    const changed = (await stat(manifest)).mtimeMs;
    if (status?.committed === true && changed !== seen) {
      seen = changed;
      print("the manifest is new: its updater is started, as its timer would some time later\n");
      await startUpdater(node);
    }
    await world.clock.sleep(LOOK_MS, world.signal).catch(() => undefined);
  }
}
