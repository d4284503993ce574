import { join, relative } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { RoleName } from "../lib/keys/keys.ts";
import type { CliContext } from "./context.ts";
import { clusterName, keyEnvironment, openPlace, type PlaceFlags, placeOptions } from "./manifest-place.ts";

interface InitFlags {
  readonly roots: number;
  readonly threshold: number;
  readonly file?: string;
}

type RotateFlags = PlaceFlags & { readonly compromised?: true };

function toCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 9) return count;
  throw new InvalidArgumentError("a number from 1 to 9 is expected");
}

/** What is to be done with new keys, in the order of doing it. */
function afterwards(folder: string, project: string): string {
  const { secrets, lines } = {
    secrets: [
      ["PI_KEY_TARGETS", "targets-1.pem", "manifest"],
      ["PI_KEY_ONLINE", "online-1.pem", "manifest"],
      ["PI_KEY_SIGNING", "signing-key.pem", "release"],
      ["PI_CERT_SIGNING", "signing.pem", "release"],
    ] as const,
    lines: (items: readonly string[]) => items.map((item) => `     ${item}\n`).join(""),
  };
  return [
    "\nWhat is left to do:\n",
    `  1. Commit the public halves: git -C ${project} add keys/ca.pem keys/root.json\n`,
    "  2. Back up the whole folder on a medium you keep elsewhere:\n",
    lines([folder]),
    "  3. Then take root-*.pem and ca-key.pem away from this machine; they are needed about once a year.\n",
    "  4. Only for releases made on GitHub, set the environment's secrets; the keys go in by standard input:\n",
    lines(secrets.map(([name, file, env]) => `gh secret set ${name} --env ${env} < ${join(folder, file)}`)),
  ].join("");
}

async function init(context: CliContext, flags: InitFlags): Promise<void> {
  const [{ initKeys }, { keysFolder }, { plainTable }] = await Promise.all([
    import("../lib/manifest/ceremony.ts"),
    import("../lib/keys/places.ts"),
    import("./table.ts"),
  ]);
  const { project, world, print } = context;
  const cluster = await clusterName(context, flags.file);
  const folder = keysFolder(keyEnvironment(), cluster);
  const publicFolder = join(project, "keys");
  const { roots, threshold } = flags;
  const now = new Date(world.clock.now());
  const { made, resumed } = await initKeys({ folder, publicFolder, cluster, roots, threshold, now });
  print(resumed ? `the keys in ${folder} are used\n` : `keys of the cluster ${cluster} in ${folder}\n\n`);
  print(
    await plainTable(
      ["file", "what it does"],
      made.map(({ name, what }) => [name, what]),
    ),
  );
  print(`\n${relative(project, publicFolder)}/ca.pem and root.json are written\n`);
  print(afterwards(folder, project));
}

/** 0 when nothing has to be done. */
async function status(context: CliContext, flags: PlaceFlags): Promise<number> {
  const [{ keyStatus }, { readRoot }, { plainTable }] = await Promise.all([
    import("../lib/manifest/key-status.ts"),
    import("../lib/manifest/repository/root.ts"),
    import("./table.ts"),
  ]);
  const { project, now } = await openPlace(context, flags, "look");
  const { rows, problems } = keyStatus(project.keys, readRoot(project.trustedRoot), now);
  context.print(`private keys: ${project.keys.place}\npublic halves: ${project.publicFolder}\n\n`);
  context.print(await plainTable(["key", "here", ""], rows));
  for (const problem of problems) context.print(`${problem}\n`);
  return problems.length === 0 ? 0 : 1;
}

async function approve(context: CliContext, flags: PlaceFlags): Promise<void> {
  const [{ approve: plan }, { planChange }, { signersFrom }] = await Promise.all([
    import("../lib/manifest/repository/approve.ts"),
    import("../lib/manifest/carry-out.ts"),
    import("../lib/manifest/repository/signers.ts"),
  ]);
  const { home, project, now } = await openPlace(context, flags);
  const signing = { signers: signersFrom(project.keys), now };
  const { trustedRoot } = project;
  const planned = await planChange({
    home,
    trustedRoot,
    message: "Approve",
    plan: (state) => plan(state, signing),
  });
  const say = (lines: readonly string[]): void => context.print(lines.map((line) => `${line}\n`).join(""));
  say(planned.lines);
  if (flags.dryRun === true) return say(["not carried out: --dry-run"]);
  // What a person has read is what gets signed: a change that came in between must be looked at anew.
  if (!planned.empty) await planned.carryOut("refuse");
}

async function rotate(context: CliContext, role: RoleName | "signing", flags: RotateFlags): Promise<void> {
  const { rotateKeys, rotateLeaf } = await import("../lib/manifest/rotate-keys.ts");
  const place = await openPlace(context, flags);
  const [{ keysFolder }, { developmentFolder }] = await Promise.all([
    import("../lib/keys/places.ts"),
    import("../lib/manifest/project-keys.ts"),
  ]);
  const real = place.project.publicFolder === join(context.project, "keys");
  const folder = (real ? keysFolder : developmentFolder)(keyEnvironment(), place.cluster);
  const dryRun = flags.dryRun === true;
  const say = (line: string): void => context.print(`${line}\n`);
  const request = { ...place, folder, dryRun, say };
  if (role === "signing") return rotateLeaf(request);
  await rotateKeys({ ...request, role, compromised: flags.compromised === true });
}

export function register(program: Command, context: CliContext): void {
  const keys = program
    .command("keys")
    .description("the keys that releases and the update manifest are signed with");
  keys
    .command("init")
    .description("make the keys of this cluster, once")
    .option("--roots <n>", "root keys, one for each keeper", toCount, 2)
    .option("--threshold <n>", "how many of them must sign", toCount, 1)
    .option("--file <path>", "the definition (default: cluster.yaml)")
    .action((flags: InitFlags) => init(context, flags));
  placeOptions(keys.command("status"))
    .description("which keys are here, and what expires when; exit code 1 where something is to be done")
    .action(async (flags: PlaceFlags) => {
      process.exitCode = await status(context, flags);
    });
  placeOptions(keys.command("approve"))
    .description("sign the targets that wait for a person")
    .option("--dry-run", "show what would be signed")
    .action((flags: PlaceFlags) => approve(context, flags));
  placeOptions(keys.command("rotate"))
    .description("replace a key: root, targets, online or signing")
    .argument("<key>", "root, targets, online or signing", (text): RoleName | "signing" => {
      if (text === "root" || text === "targets" || text === "online" || text === "signing") return text;
      throw new InvalidArgumentError("root, targets, online or signing is expected");
    })
    .addOption(new Option("--compromised", "online: somebody else has it; believe nothing it signed"))
    .option("--dry-run", "print the plan only")
    .action((role: RoleName | "signing", flags: RotateFlags) => rotate(context, role, flags));
}
