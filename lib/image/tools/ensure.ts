import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { asset } from "../../external/assets.ts";
import { sha256OfText } from "../../external/files.ts";
import { ProcessError } from "../../external/process.ts";
import type { World } from "../../external/world.ts";
import type { Reporter, Step } from "../../progress/reporter.ts";
import { explainApt, parsePackageNames } from "../archive/resolution.ts";
import { ensureCached } from "../cache.ts";
import { ImageError } from "../failure.ts";
import { timeouts } from "../limits.ts";
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
      make: (folder) =>
        reporter.step("tools tree", {}, (step) => makeTools(join(folder, "root"), names, world, step)),
    },
    world,
    reporter,
  );
  return toolsTreeAt(join(entry.folder, "root"), key);
}

async function makeTools(root: string, names: readonly string[], world: World, step: Step): Promise<void> {
  const argv = [
    ...(["setpriv", "--pdeathsig", "KILL"] as const),
    ...["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--propagation", "private"],
    ...["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", `--keyring=${KEYRING}`],
    ...["doc", "man", "locale", "info"].map((kind) => `--dpkgopt=path-exclude=/usr/share/${kind}/*`),
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
    await world.processes.run({ argv, timeoutMs: timeouts.tools, signal: world.signal, onLine });
  } catch (cause) {
    throw explainMmdebstrap("TOOLS", "the tools tree could not be made", output, cause);
  }
}

/** An mmdebstrap or apt failure as an ImageError: about the archive where apt said so, else with its last lines. */
export function explainMmdebstrap(
  code: "TOOLS" | "BASE" | "ARCHIVE",
  what: string,
  output: readonly string[],
  cause: unknown,
): unknown {
  if (cause instanceof ProcessError && cause.code !== "EXIT") {
    if (cause.code !== "NOT_FOUND") return cause;
    return new ImageError("PREFLIGHT", `${what}: mmdebstrap is not installed`, {
      fix: "sudo apt-get install mmdebstrap",
      cause,
    });
  }
  const known = explainApt(output);
  if (known !== undefined) {
    return new ImageError("ARCHIVE", `${what}: ${known.problem}`, {
      fix: known.fix,
      details: output.filter((line) => /^(E|W|Err|Error):?/.test(line)).slice(-8),
      cause,
    });
  }
  return new ImageError(code, what, { details: output.slice(-25), cause });
}
