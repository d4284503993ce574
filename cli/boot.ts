import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { BootOptions, BootResult, Identity } from "../lib/emulator/boot.ts";
import type { BuiltImage } from "../lib/emulator/find-image.ts";
import { type MachineName, machineNames } from "../lib/emulator/machine.ts";
import type { CliContext } from "./context.ts";
import { makePlan } from "./plan.ts";

interface BootFlags {
  readonly machine: MachineName;
  readonly file?: string;
  readonly console?: true;
  readonly identity?: string;
  readonly ssh?: true;
  readonly boots: number;
  readonly json?: string;
}

/** The image that is meant, and what it is known to be. @throws DefinitionError, EmulatorError NO_BUILD */
async function chooseImage(context: CliContext, wanted: string, file?: string): Promise<BuiltImage> {
  const { findBuiltImage, isImagePath } = await import("../lib/emulator/find-image.ts");
  if (isImagePath(wanted)) return { image: resolve(wanted), expected: {} };
  const { plan, builds } = await makePlan(context, file);
  const planned = builds.find(({ build }) => build.profile === wanted);
  if (planned === undefined) {
    const [{ EmulatorError }, { suggest }] = await Promise.all([
      import("../lib/emulator/failure.ts"),
      import("../lib/cluster/nearest.ts"),
    ]);
    const names = plan.builds.map(({ profile }) => profile);
    const fix = `${suggest(wanted, "profiles", names)} An image is named by its path: ./${wanted}.img.zst`;
    throw new EmulatorError("NO_BUILD", `no image is made of a profile "${wanted}"`, { fix });
  }
  const { build, state } = planned;
  const found = await findBuiltImage(context.cacheDir, { ...build, cluster: plan.cluster });
  if (state.state === "changed") {
    const what = state.changed.join(", ");
    context.reporter.warn(`${wanted} changed since this image was built (${what}): ./pi build ${wanted}`);
  }
  return found;
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
  const [{ default: Table }, { checkRows }] = await Promise.all([
    import("cli-table3"),
    import("../lib/emulator/verdict.ts"),
  ]);
  const table = new Table({ head: ["", "check", "found", "expected"], style: { head: [], border: [] } });
  table.push(...checkRows(result.checks));
  return `${table.toString()}\n`;
}

/** Boots and prints the table. @throws EmulatorError CHECKS where a check failed, others where none could be made. */
export async function boot(context: CliContext, wanted: string, flags: BootFlags): Promise<void> {
  const { reporter, world, cacheDir } = context;
  const [found, identity] = [
    await chooseImage(context, wanted, flags.file),
    await readIdentity(context, flags),
  ];
  const { ensureTools } = await import("../lib/image/tools/ensure.ts");
  const tools = await ensureTools(world, reporter, cacheDir);
  const { machine } = flags;
  const name = found.expected.profile ?? "image";
  const places = {
    scratch: join(cacheDir, "scratch"),
    consoleLog: join(cacheDir, "boots", `${name}-${machine}.console.log`),
  };
  if (flags.console === true) {
    const [{ attachConsole }, { terminal }] = await Promise.all([
      import("../lib/emulator/attach.ts"),
      import("../lib/external/terminal.ts"),
    ]);
    const onReady = ({ sshPort }: { sshPort: number }): void => {
      reporter.info(
        `serial line of ${machine}; Ctrl-] leaves. Once it is up: ssh -p ${sshPort} root@127.0.0.1`,
      );
    };
    const seat = { machine, image: found.image, identityText: identity?.text, ...places, onReady };
    await attachConsole(seat, terminal, tools, world);
    return;
  }
  const { bootImage } = await import("../lib/emulator/boot.ts");
  const options: BootOptions = {
    ...{ machine, ...found, ...places, boots: flags.boots },
    ...(identity === undefined ? {} : { identity }),
    ...(flags.ssh === true ? { ssh: "throw-away" as const } : {}),
  };
  const result = await reporter.step(`boot ${name} on ${machine}`, {}, (step) =>
    bootImage(options, tools, world, step),
  );
  if (flags.json !== undefined) {
    const { writeAtomically } = await import("../lib/external/files.ts");
    await writeAtomically(resolve(flags.json), `${JSON.stringify(result, undefined, 2)}\n`);
  }
  context.print(await renderResult(result));
  reporter.info(`console log: ${result.consoleLog}`);
  if (result.ok) return;
  const { checksError } = await import("../lib/emulator/verdict.ts");
  throw checksError(result);
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
