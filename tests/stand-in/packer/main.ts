import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { ENVIRONMENT, PACKER_VERSION } from "./contract.ts";
import { Diagnostic } from "./diagnostic.ts";
import { installPlugin, requirePlugins } from "./plugins.ts";
import {
  checkBase,
  Halted,
  makeImage,
  mountInside,
  provision,
  type Running,
  setUpInterpreter,
  unpack,
} from "./steps.ts";
import { loadTemplate, type Template } from "./template.ts";
import { Voice } from "./voice.ts";

interface CommandLine {
  readonly words: readonly string[];
  readonly flags: ReadonlySet<string>;
  readonly variables: ReadonlyMap<string, string>;
  readonly path: string | undefined;
}

function readArguments(argv: readonly string[]): CommandLine {
  const words: string[] = [];
  const flags = new Set<string>();
  const variables = new Map<string, string>();
  let path: string | undefined;
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? "";
    if (word === "-var") {
      at += 1;
      const [name = "", ...value] = (argv[at] ?? "").split("=");
      variables.set(name, value.join("="));
    } else if (word === "--path") {
      at += 1;
      path = argv[at];
    } else if (word.startsWith("-")) flags.add(word);
    else words.push(word);
  }
  return { words, flags, variables, path };
}

async function build(template: Template, voice: Voice): Promise<boolean> {
  const started = Date.now();
  const stop = new AbortController();
  for (const [name, shown] of [
    ["SIGTERM", "terminated"],
    ["SIGINT", "interrupt"],
  ] as const) {
    process.on(name, () => {
      if (!stop.signal.aborted) voice.packer("error", `Cancelling build after receiving ${shown}`);
      stop.abort();
    });
  }
  const running: Running = { template, voice, signal: stop.signal, cleanup: [] };
  let good = false;
  try {
    const archive = await checkBase(running);
    const root = makeImage(running);
    unpack(running, archive, root);
    mountInside(running, root);
    setUpInterpreter(running, root);
    await provision(running);
    good = true;
  } catch (error) {
    if (!(error instanceof Halted)) throw error;
  } finally {
    for (const undo of running.cleanup.reverse()) undo();
  }
  const took = `${Math.round((Date.now() - started) / 1000)} seconds`;
  const how = stop.signal.aborted ? "build was cancelled" : "build was halted";
  if (good) voice.packer("say", `Build 'arm.node' finished after ${took}.`, true);
  else voice.packer("error", `Build 'arm.node' errored after ${took}: ${how}`, true);
  voice.packer("say", `\n==> Wait completed after ${took}`);
  if (stop.signal.aborted) {
    voice.packer("say", "Cleanly cancelled builds after being interrupted.");
    return false;
  }
  report(good, String(template.source.image_path), voice);
  return good;
}

function report(good: boolean, image: string, voice: Voice): void {
  if (!good) {
    voice.event("", "error-count", "1");
    voice.packer("error", "\n==> Some builds didn't complete successfully and had errors:");
    voice.event("arm.node", "error", "build was halted");
    voice.packer("error", "--> arm.node: build was halted");
    voice.packer("say", "\n==> Builds finished but no artifacts were created.");
    return;
  }
  voice.packer("say", "\n==> Builds finished. The artifacts of successful builds are:");
  voice.event("arm.node", "artifact-count", "1");
  voice.event("arm.node", "artifact", "0", "builder-id", "builder-arm");
  voice.event("arm.node", "artifact", "0", "id", "");
  voice.event("arm.node", "artifact", "0", "string", image);
  voice.event("arm.node", "artifact", "0", "files-count", "1");
  voice.event("arm.node", "artifact", "0", "file", "0", image);
  voice.event("arm.node", "artifact", "0", "end");
  voice.packer("say", `--> arm.node: ${image}`);
}

async function run(line: CommandLine, voice: Voice): Promise<boolean> {
  const [command = "", file = ""] = line.words;
  const plugins = process.env.PACKER_PLUGIN_PATH ?? "";
  if (command === "version") {
    process.stdout.write(`Packer v${PACKER_VERSION}\n`);
    return true;
  }
  if (command === "plugins" && file === "install") {
    const source = line.words[2] ?? "";
    const installed = installPlugin(plugins, line.path ?? "", source);
    voice.packer("say", `Successfully installed plugin ${source} from ${line.path} to ${installed}`);
    return true;
  }
  const lacking = ENVIRONMENT.filter((name) => (process.env[name] ?? "") === "");
  if (lacking.length > 0)
    throw new Diagnostic("Incomplete environment", `The stand-in wants ${lacking.join(" and ")}.`);
  const template = await loadTemplate(basename(file), readFileSync(file, "utf8"), line.variables);
  requirePlugins(plugins, template.plugins);
  if (command === "validate") {
    voice.packer("say", "The configuration is valid.");
    return true;
  }
  if (command === "build") return build(template, voice);
  throw new Diagnostic("Unknown command", `The stand-in does not know "${command}".`);
}

const line = readArguments(process.argv.slice(2));
const voice = new Voice(line.flags.has("-machine-readable"), line.flags.has("-timestamp-ui"));
try {
  process.exitCode = (await run(line, voice)) ? 0 : 1;
} catch (error) {
  if (!(error instanceof Diagnostic)) throw error;
  voice.packer("error", error.render(basename(line.words[1] ?? "")));
  process.exitCode = 1;
}
