import { join } from "node:path";
import type { Command } from "commander";
import type { ManifestChange } from "../lib/manifest/repository/change.ts";
import type { Signing } from "../lib/manifest/repository/publish.ts";
import type { ManifestState } from "../lib/manifest/repository/state.ts";
import type { CliContext } from "./context.ts";
import { openPlace, type PlaceFlags, placeOptions } from "./manifest-place.ts";

interface BlockFlags extends PlaceFlags {
  readonly reason: string;
  readonly profile?: string;
}

/** `1.2.3` of `v1.2.3` or `1.2.3`. Throws ReleaseError VERSION. */
async function versionText(text: string): Promise<string> {
  const { parseVersion } = await import("../lib/release/version.ts");
  return parseVersion(text.startsWith("v") ? text : `v${text}`).text;
}

async function show(context: CliContext, flags: PlaceFlags): Promise<void> {
  const [{ plainTable }, { auditHome }, { describeManifest }] = await Promise.all([
    import("./table.ts"),
    import("../lib/manifest/audit.ts"),
    import("../lib/manifest/describe.ts"),
  ]);
  const { home, project, now } = await openPlace(context, flags, "look");
  const state = auditHome((await home.read()).files, project.trustedRoot);
  const { images, blocked, files, notes } = describeManifest(state, now);
  context.print(`${home.place}\n\n`);
  context.print(await plainTable(["channel", "release", "image", "version", "bundle, bytes"], images));
  if (blocked.length > 0) {
    context.print(`\n${await plainTable(["channel", "blocked", "image", "reason", "since"], blocked)}`);
  }
  context.print(`\n${await plainTable(["file", "version", "expires", ""], files)}`);
  for (const note of notes) context.print(`${note}\n`);
}

/** Plans a change, prints it, and carries it out unless the flags say otherwise. */
async function change(
  context: CliContext,
  flags: PlaceFlags,
  message: string,
  plan: (state: ManifestState, signing: Signing) => ManifestChange,
): Promise<void> {
  const [{ planChange }, { signersFrom }] = await Promise.all([
    import("../lib/manifest/carry-out.ts"),
    import("../lib/manifest/repository/signers.ts"),
  ]);
  const { home, project, now } = await openPlace(context, flags);
  const signing = { signers: signersFrom(project.keys), now };
  const { trustedRoot } = project;
  const say = (lines: readonly string[]): void => context.print(lines.map((line) => `${line}\n`).join(""));
  const planned = await planChange({ home, trustedRoot, message, plan: (state) => plan(state, signing) });
  say(planned.lines);
  if (flags.dryRun === true) return say(["not carried out: --dry-run"]);
  if (planned.empty) return;
  await planned.carryOut(say);
  say([`written to ${home.place}`]);
}

export function register(program: Command, context: CliContext): void {
  const manifest = program
    .command("manifest")
    .description("what nodes are told to run: the signed update manifest");
  placeOptions(manifest.command("show", { isDefault: true }))
    .description("check every file and show channels, versions and what expires")
    .action((flags: PlaceFlags) => show(context, flags));
  placeOptions(manifest.command("refresh"))
    .description("renew what is about to expire; publish what got its last signature")
    .option("--force", "a new timestamp in any case")
    .option("--dry-run", "print the plan only")
    .action(async (flags: PlaceFlags & { force?: true }) => {
      const { refresh } = await import("../lib/manifest/repository/refresh.ts");
      await change(context, flags, "Refresh", (state, signing) =>
        refresh(state, signing, flags.force === true),
      );
    });
  placeOptions(manifest.command("block"))
    .description("forbid nodes a version")
    .argument("<version>", "v1.2.3")
    .requiredOption("--reason <text>", "why; nodes show it")
    .option("--profile <name>", "only the images of this profile")
    .option("--dry-run", "print the plan only")
    .action(async (text: string, flags: BlockFlags) => {
      const [{ block }, { listFolders }] = await Promise.all([
        import("../lib/manifest/repository/targets.ts"),
        import("../lib/external/folder-digest.ts"),
      ]);
      const version = await versionText(text);
      const { reason, profile } = flags;
      const boards = await listFolders(join(context.project, "boards"));
      const ids = profile === undefined ? {} : { ids: [...boards].map((board) => `${profile}-${board}`) };
      await change(context, flags, `Block ${version}`, (state, signing) =>
        block(state, { version, reason, ...ids }, signing),
      );
    });
  placeOptions(manifest.command("unblock"))
    .description("allow a blocked version again")
    .argument("<version>", "v1.2.3")
    .option("--dry-run", "print the plan only")
    .action(async (text: string, flags: PlaceFlags) => {
      const { unblock } = await import("../lib/manifest/repository/targets.ts");
      const version = await versionText(text);
      await change(context, flags, `Unblock ${version}`, (state, signing) =>
        unblock(state, version, undefined, signing),
      );
    });
}
