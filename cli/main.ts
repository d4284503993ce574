import { homedir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { assetsRoot } from "../lib/external/assets.ts";
import { realWorld } from "../lib/external/world.ts";
import { describeFailure, wasInterrupted } from "../lib/failure.ts";
import { createReporter } from "../lib/progress/create.ts";
import * as boot from "./boot.ts";
import * as build from "./build.ts";
import * as clean from "./clean.ts";
import type { CliContext } from "./context.ts";
import * as diff from "./diff.ts";
import * as doctor from "./doctor.ts";
import * as emulate from "./emulate.ts";
import * as identity from "./identity.ts";
import { listenForInterruption } from "./interruption.ts";
import * as keys from "./keys.ts";
import * as manifest from "./manifest.ts";
import * as pin from "./pin.ts";
import * as plan from "./plan.ts";
import * as release from "./release.ts";
import * as serve from "./serve.ts";
import * as test from "./test.ts";
import * as tools from "./tools.ts";
import * as verify from "./verify.ts";
import * as workflow from "./workflow.ts";

/** In the order of use. */
const COMMANDS = [
  ...[plan, build, boot, diff, keys, release, verify, serve, emulate, manifest, identity],
  ...[workflow, doctor, clean, test, tools, pin],
];
const STOPPED = "stopped: nothing half made is left, the next run goes on from what was finished\n";

function cacheDir(): string {
  const given = process.env.PI_CACHE;
  if (given !== undefined && given !== "") return given;
  const root = process.getuid?.() === 0;
  const folder = root ? "/var/cache" : (process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"));
  return join(folder, "home-pi-cluster");
}

async function main(argv: readonly string[]): Promise<number> {
  const say = (text: string): void => void process.stderr.write(text);
  const interruption = listenForInterruption(say);
  const verbose = argv.includes("--verbose");
  const cache = cacheDir();
  const context: CliContext = {
    project: assetsRoot,
    cacheDir: cache,
    world: realWorld(interruption.signal),
    reporter: createReporter({ cacheDir: cache, verbose, stream: process.stderr }),
    print: (text) => void process.stdout.write(text),
  };
  const program = new Command("pi")
    .description("Images for a Kubernetes cluster of Raspberry Pis, from one cluster.yaml")
    .option("--verbose", "show the tools' own output")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(./pi COMMAND --help says more)");
  for (const command of COMMANDS) command.register(program, context);
  try {
    await program.parseAsync(["node", "pi", ...argv]);
  } catch (error) {
    if (!wasInterrupted(error)) {
      say(`error: ${describeFailure(error).join("\n")}\n`);
      // A command whose answer is its exit code has said which one means trouble.
      return interruption.exitCode() ?? Number(process.exitCode ?? 1);
    }
  }
  const stopped = interruption.exitCode();
  if (stopped === undefined) return Number(process.exitCode ?? 0);
  // Also where it came too late to stop anything: a script that was interrupted here must not go on.
  say(STOPPED);
  return stopped;
}

// Explicit: an open socket or timer of a library must not keep a finished command alive.
process.exit(await main(process.argv.slice(2)));
