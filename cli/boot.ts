import { chown } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { BootOptions, BootResult, Identity } from "../lib/emulator/boot.ts";
import type { ExpectedBuild } from "../lib/emulator/checks.ts";
import { type MachineName, machineNames } from "../lib/emulator/machine.ts";
import type { ToolsTree } from "../lib/image/tools/tree.ts";
import { caller } from "./caller.ts";
import { chooseImage } from "./choose-image.ts";
import type { CliContext } from "./context.ts";
import { becomeRoot } from "./root.ts";

interface BootFlags {
  readonly machine: MachineName;
  readonly file?: string;
  readonly console?: true;
  readonly identity?: string;
  readonly ssh?: true;
  readonly boots: number;
  readonly json?: string;
}

async function readIdentity(context: CliContext, flags: BootFlags): Promise<Identity | undefined> {
  if (flags.identity === undefined) return undefined;
  const [{ loadDefinition }, { parseIdentity, renderIdentity }] = await Promise.all([
    import("../lib/cluster/load.ts"),
    import("../lib/cluster/identity.ts"),
  ]);
  const path = flags.file === undefined ? undefined : resolve(flags.file);
  const { definition, file } = await loadDefinition(context.project, path);
  const text = renderIdentity(definition, flags.identity, file);
  return { text, keys: parseIdentity(text).ssh.length };
}

/** The table of checks. */
export async function renderResult(result: BootResult): Promise<string> {
  const [{ plainTable }, { checkRows }] = await Promise.all([
    import("./table.ts"),
    import("../lib/emulator/verdict.ts"),
  ]);
  return plainTable(["", "check", "found", "expected"], checkRows(result.checks));
}

interface Seat {
  readonly machine: MachineName;
  readonly image: string;
  readonly scratch: string;
  readonly consoleLog: string;
  readonly identity: Identity | undefined;
}

async function sitAtConsole(context: CliContext, seat: Seat, tools: ToolsTree): Promise<void> {
  const [{ attachConsole }, { terminal }] = await Promise.all([
    import("../lib/emulator/attach.ts"),
    import("../lib/external/terminal.ts"),
  ]);
  const { identity, ...rest } = seat;
  const onReady = ({ sshPort }: { sshPort: number }): void => {
    const login = `once it is up: ssh -p ${sshPort} root@127.0.0.1`;
    context.reporter.info(`the serial line of ${seat.machine}; Ctrl-] leaves; ${login}`);
  };
  await attachConsole({ ...rest, identityText: identity?.text, onReady }, terminal, tools, context.world);
}

/** The result belongs to whoever called, not to root. */
async function writeResult(file: string, result: BootResult): Promise<void> {
  const { writeAtomically } = await import("../lib/external/files.ts");
  await writeAtomically(file, `${JSON.stringify(result, undefined, 2)}\n`);
  const to = caller();
  if (to !== undefined) await chown(file, to.uid, to.gid);
}

/** Boots and prints the table. @throws EmulatorError CHECKS where a check failed, others where none could be made. */
async function judge(context: CliContext, seat: Seat, rest: BootRest, tools: ToolsTree): Promise<void> {
  const { reporter, world } = context;
  const { identity, ...places } = seat;
  const { flags, expected, name } = rest;
  const { bootImage } = await import("../lib/emulator/boot.ts");
  const options: BootOptions = {
    ...{ ...places, expected, boots: flags.boots },
    ...(identity === undefined ? {} : { identity }),
    ...(flags.ssh === true ? { ssh: "throw-away" as const } : {}),
  };
  try {
    const title = `boot ${name} on ${seat.machine}`;
    const result = await reporter.step(title, {}, (step) => bootImage(options, tools, world, step));
    if (flags.json !== undefined) await writeResult(resolve(flags.json), result);
    context.print(await renderResult(result));
    if (!result.ok) throw (await import("../lib/emulator/verdict.ts")).checksError(result);
  } finally {
    reporter.info(`console log: ${seat.consoleLog}`);
  }
}

interface BootRest {
  readonly flags: BootFlags;
  readonly expected: ExpectedBuild;
  readonly name: string;
}

/** Mistakes of the call are told before root is asked for, and before the tools tree is made. */
async function boot(context: CliContext, wanted: string, flags: BootFlags): Promise<void> {
  const { cacheDir, world, reporter } = context;
  const { image, expected } = await chooseImage(context, wanted, flags.file);
  const identity = await readIdentity(context, flags);
  becomeRoot(context, "booting an image");
  const [{ ensureTools }, { usingCache }] = await Promise.all([
    import("../lib/image/tools/ensure.ts"),
    import("../lib/image/cache-use.ts"),
  ]);
  const { machine } = flags;
  const name = expected.profile ?? "image";
  const consoleLog = join(cacheDir, "boots", `${name}-${machine}.console.log`);
  const seat: Seat = { machine, image, scratch: join(cacheDir, "scratch"), consoleLog, identity };
  await usingCache(cacheDir, world, reporter, async () => {
    const tools = await ensureTools(world, reporter, cacheDir);
    if (flags.console === true) await sitAtConsole(context, seat, tools);
    else await judge(context, seat, { flags, expected, name }, tools);
  });
}

const MOST_BOOTS = 20;

function toCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MOST_BOOTS) return count;
  throw new InvalidArgumentError(`a whole number from 1 to ${MOST_BOOTS} is expected`);
}

export function register(program: Command, context: CliContext): void {
  program
    .command("boot <profile-or-image>")
    .description("boot the last image of a profile, or an image file, on an emulated Pi and check it")
    .addOption(
      new Option("--machine <name>", "raspi3b: a Pi 3 with its SD card; virt: faster, proves less")
        .choices(machineNames)
        .default("raspi3b"),
    )
    .option("--file <path>", "the definition (default: cluster.yaml)")
    .addOption(
      new Option("--console", "sit at its serial line yourself instead; Ctrl-] leaves").conflicts([
        "ssh",
        "json",
      ]),
    )
    .option("--identity <node>", "put this node's identity.yaml on the card")
    .addOption(
      new Option("--ssh", "log in with a key made for this boot, and try that no other gets in").conflicts(
        "identity",
      ),
    )
    .option("--boots <n>", "boot the same card this many times, the power cut in between", toCount, 1)
    .option("--json <file>", "write the result there")
    .action((wanted: string, flags: BootFlags) => boot(context, wanted, flags));
}
