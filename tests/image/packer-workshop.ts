import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asset } from "../../lib/external/assets.ts";
import { sha256OfFile } from "../../lib/external/files.ts";
import type { World } from "../../lib/external/world.ts";
import { installPacker } from "../../lib/image/provision/packer/installation.ts";
import { packerProvisioner } from "../../lib/image/provision/packer/packer.ts";
import { readPins } from "../../lib/image/provision/packer/pins.ts";
import type { Provisioner, ProvisionRequest } from "../../lib/image/provision/provisioner.ts";
import { KEYRING } from "../../lib/image/tools/ensure.ts";
import type { ToolsTree } from "../../lib/image/tools/tree.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";
import { layOutStandIn } from "../stand-in/packer/lay-out.ts";

const STAND_IN = asset("tests", "stand-in", "packer");
export const PLAY = join(STAND_IN, "play");
export const EPOCH = 1_760_000_000;

const silent: Reporter = {
  step: (_title, _options, work) => work({ line: () => undefined, update: () => undefined }),
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A base of a few arm64 packages in `folder`. */
export async function makeSmallBase(
  folder: string,
  tools: ToolsTree,
  world: World,
): Promise<ProvisionRequest["base"]> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "base.tar");
  await world.processes.run(
    tools.command(["sh", join(STAND_IN, "small-base.sh"), KEYRING, path], {
      binds: [{ source: STAND_IN, readOnly: true }, { source: KEYRING, readOnly: true }, { source: folder }],
      timeoutMs: 5 * 60_000,
    }),
  );
  return { path, sha256: await sha256OfFile(path) };
}

/** The packer builder with the stand-in, or with the real programs from a folder. */
export async function packerBuilder(folder: string, world: World, real?: string): Promise<Provisioner> {
  const given = real ?? join(folder, "stand-in");
  const needs = real === undefined ? await layOutStandIn(given) : [];
  const request = { pins: await readPins(), cacheDir: join(folder, "cache"), folder: given };
  return packerProvisioner({ ...(await installPacker(request, world, silent)), needs });
}

export interface OrderDetails {
  readonly vars?: Readonly<Record<string, unknown>>;
  readonly nativePython?: boolean;
}

/** A request for a build called `name`, with everything it writes below `<folder>/<name>`. */
export async function order(
  folder: string,
  name: string,
  base: ProvisionRequest["base"],
  details: OrderDetails = {},
): Promise<ProvisionRequest> {
  const work = join(folder, name, "work");
  const project = join(folder, name, "project");
  for (const made of [work, project]) await mkdir(made, { recursive: true });
  const varsFile = join(project, "vars.json");
  await writeFile(varsFile, JSON.stringify({ home_pi: { profile: "agent" }, ...details.vars }));
  const build = {
    ...{ id: "agent-rpi-arm64", profile: "agent", board: "rpi-arm64", role: null, packages: [] },
    ...{ ansible: { vars: {}, roles: [] }, boot: { overlays: [], watchdog: true } },
    ...{ buildId: "0".repeat(64), inputs: {} },
  };
  const tree = join(folder, name, "tree.tar");
  const nativePython = details.nativePython ?? true;
  return {
    build,
    base,
    ansible: PLAY,
    project,
    keys: project,
    varsFile,
    tree,
    work,
    nativePython,
    epoch: EPOCH,
  };
}

/** What a build of `request` left on this machine: loop devices, mounts, processes, files in its folder. */
export async function leftovers(request: ProvisionRequest): Promise<string[]> {
  const left: string[] = (await readdir(request.work)).map((name) => `file ${name}`);
  for (const name of await readdir("/sys/block")) {
    const backing = await readFile(join("/sys/block", name, "loop", "backing_file"), "utf8").catch(() => "");
    if (backing.includes(request.work)) left.push(`loop device ${name}`);
  }
  const mounts = await readFile("/proc/self/mountinfo", "utf8");
  if (mounts.includes(request.work)) left.push("mount");
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(join("/proc", pid, "cmdline"), "utf8").catch(() => "");
    if (command.includes(request.work)) left.push(`process ${command.replaceAll("\0", " ")}`);
  }
  return left;
}
