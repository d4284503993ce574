import { join } from "node:path";
import { Command } from "commander";
import type { CliContext } from "../../../cli/context.ts";
import * as keys from "../../../cli/keys.ts";
import * as manifest from "../../../cli/manifest.ts";
import { clock } from "../../../lib/external/clock.ts";
import { processes } from "../../../lib/external/process.ts";
import { describeFailure } from "../../../lib/failure.ts";
import { localHome } from "../../../lib/manifest/local-home.ts";
import { openProjectKeys } from "../../../lib/manifest/project-keys.ts";
import { publishRelease } from "../../../lib/manifest/publish-release.ts";
import { choices, exampleRelease } from "../../unit/manifest/example.ts";

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command of `./pi` in this process: cli/main.ts but for the project, which is not this repository. */
export async function runCommand(
  { project, cacheDir }: Pick<CliContext, "project" | "cacheDir">,
  argv: readonly string[],
): Promise<Answer> {
  let [stdout, stderr] = ["", ""];
  const say = (text: string): void => {
    stderr += `${text}\n`;
  };
  const context: CliContext = {
    project,
    cacheDir,
    world: { processes, clock, signal: new AbortController().signal },
    reporter: { step: (_, __, work) => work({ line: say, update: say }), info: say, warn: say, error: say },
    print: (text) => {
      stdout += text;
    },
  };
  const program = new Command("pi").exitOverride();
  for (const command of [keys, manifest]) command.register(program, context);
  process.exitCode = undefined;
  try {
    await program.parseAsync(["node", "pi", ...argv]);
    return { code: Number(process.exitCode ?? 0), stdout, stderr };
  } catch (error) {
    return { code: 1, stdout, stderr: `${stderr}error: ${describeFailure(error).join("\n")}\n` };
  } finally {
    process.exitCode = undefined;
  }
}

/** What ./pi release does behind the publishing of its files. */
export async function releaseInto(
  project: string,
  env: Readonly<Record<string, string>>,
  tag: string,
): Promise<void> {
  const now = new Date();
  const opened = await openProjectKeys({
    ...{ project, cluster: "home", now, development: true },
    env,
  });
  const signal = new AbortController().signal;
  const home = localHome({ store: join(project, "store"), world: { processes, signal } });
  const planned = await publishRelease({
    home,
    keys: opened.keys,
    trustedRoot: opened.trustedRoot,
    release: exampleRelease(tag),
    now,
    ...choices,
  });
  await planned.carryOut();
}
