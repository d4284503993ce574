import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { asset } from "../../external/assets.ts";
import { sha256OfText } from "../../external/files.ts";
import { ProcessError } from "../../external/process.ts";
import type { World } from "../../external/world.ts";
import type { Reporter, Step } from "../../progress/reporter.ts";
import { aptOptions, gaveUp } from "../archive/apt-settings.ts";
import { explainApt } from "../archive/explain-apt.ts";
import { parsePackageNames } from "../archive/resolution.ts";
import { ensureCached } from "../cache.ts";
import { ImageError } from "../failure.ts";
import { network, timeouts } from "../limits.ts";
import { toolsTreeAt } from "./enter.ts";
import type { ToolsTree } from "./tree.ts";

export const TOOLS_SUITE = "trixie";
export const KEYRING = asset("tools", "keyring");

/** Debian's name for this machine's architecture. */
export const hostArchitecture = process.arch === "arm64" ? "arm64" : "amd64";

/** Path of the committed list of what the tools tree resolves to; its digest is the tree's key. */
export function resolvedToolsFile(architecture: string): string {
  return asset("tools", `resolved.${architecture}.txt`);
}

/**
 * The tools tree of this machine, made on first use (about a minute). It stays until the committed list of
 * its packages changes, so that a moving archive does not rebuild everything.
 * Throws ImageError TOOLS, or ARCHIVE where the archive is out of reach or not trusted.
 */
export async function ensureTools(world: World, reporter: Reporter, cacheDir: string): Promise<ToolsTree> {
  const names = parsePackageNames(await readFile(asset("tools", "packages.txt"), "utf8"));
  const key = sha256OfText(
    (
      await Promise.all([
        readFile(asset("tools", "packages.txt"), "utf8"),
        readFile(resolvedToolsFile(hostArchitecture), "utf8"),
        readFile(asset("lib", "image", "tools", "prepare.sh"), "utf8"),
      ])
    ).join("\0"),
  );
  const entry = await ensureCached(
    {
      cacheDir,
      room: "tools",
      key,
      about: { packages: names },
      make: (folder) => reporter.step("tools tree", {}, (step) => makeTools(folder, names, world, step)),
    },
    world,
    reporter,
  );
  return toolsTreeAt(join(entry.folder, "root"), key);
}

async function makeTools(folder: string, names: readonly string[], world: World, step: Step): Promise<void> {
  const root = join(folder, "root");
  const scratch = join(folder, "tmp");
  await mkdir(scratch);
  const argv = [
    ...(["setpriv", "--pdeathsig", "KILL"] as const),
    ...["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--propagation", "private"],
    ...[
      "mmdebstrap",
      "--verbose",
      "--mode=root",
      "--variant=minbase",
      "--format=directory",
      `--keyring=${KEYRING}`,
    ],
    ...["doc", "man", "locale", "info"].map((kind) => `--dpkgopt=path-exclude=/usr/share/${kind}/*`),
    ...aptOptions,
    `--include=${names.join(",")}`,
    `--customize-hook=sh ${asset("lib", "image", "tools", "prepare.sh")} "$1"`,
    ...[TOOLS_SUITE, root],
  ] as const;
  const output: string[] = [];
  const onLine = (line: string): void => {
    output.push(line);
    step.line(line);
    if (line.startsWith("I: ")) step.update(line.slice(3));
  };
  try {
    await world.processes.run({
      argv,
      // /tmp of this machine may be full or read-only; the cache has been looked at.
      env: { TMPDIR: scratch },
      timeoutMs: timeouts.tools,
      graceMs: network.lastWordsMs,
      signal: world.signal,
      hopelessAt: gaveUp(),
      onLine,
    });
  } catch (cause) {
    throw explainMmdebstrap("TOOLS", "the tools tree could not be made", {
      output,
      cause,
      now: world.clock.now(),
    });
  }
  await rm(scratch, { recursive: true });
}

/** A run of apt or mmdebstrap that failed. */
export interface FailedRun {
  readonly output: readonly string[];
  readonly cause: unknown;
  /** This machine's time, in milliseconds since 1970. */
  readonly now: number;
}

/** An mmdebstrap or apt failure as an ImageError: about the archive where apt said so, else with its last lines. */
export function explainMmdebstrap(
  code: "TOOLS" | "BASE" | "ARCHIVE",
  what: string,
  { output, cause, now }: FailedRun,
): unknown {
  if (cause instanceof ProcessError && cause.code !== "EXIT") {
    if (cause.code !== "NOT_FOUND") return cause;
    return new ImageError("PREFLIGHT", `${what}: mmdebstrap is not installed`, {
      fix: "sudo apt-get install mmdebstrap",
      cause,
    });
  }
  // On a full disk apt says of what it could not write that it could not fetch it.
  const starved = cause instanceof ProcessError && cause.exhaustion !== undefined;
  const known = starved ? undefined : explainApt(output, now);
  if (known !== undefined) {
    return new ImageError("ARCHIVE", `${what}: ${known.problem}`, {
      fix: known.fix,
      details: linesOfApt(output).slice(-8),
      cause,
    });
  }
  return new ImageError(code, what, { details: output.slice(-25), cause });
}

/** What apt says went wrong: its errors, and where it gave up on a file, the line behind, which says why. */
function linesOfApt(output: readonly string[]): string[] {
  const told = output.filter((line, at) => {
    if (/^E: (apt-get|mmdebstrap) /.test(line)) return false;
    if (/^(E|Err|Error)\b|^(W|Warning): .*GPG/.test(line)) return true;
    return /^\s/.test(line) && /^Err\b/.test(output[at - 1] ?? "");
  });
  return [...new Set(told)];
}
