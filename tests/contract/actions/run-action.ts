import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { processes } from "../../../lib/external/process.ts";

export const root = join(import.meta.dirname, "..", "..", "..");

export interface ActionRun {
  readonly exitCode: number;
  readonly lines: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  /** What the call behind the job finds as `STATE_<name>`. */
  readonly state: Readonly<Record<string, string>>;
}

/** What the runner starts for an action, with the Node of a folder. */
export const bundleOf = (name: string, bin = dirname(process.execPath)): [string, ...string[]] => [
  join(bin, basename(process.execPath)),
  join(root, "actions", name, "dist", "index.js"),
];

/** The runner's files, empty, in `folder`, and the environment that names them and the inputs. */
export async function runnersEnvironment(
  inputs: Readonly<Record<string, string>>,
  folder: string,
  workspace: string,
): Promise<Record<string, string>> {
  const file = (of: string): string => join(folder, of);
  await mkdir(file("temp"), { recursive: true });
  for (const name of ["output", "summary", "state"]) await writeFile(file(name), "");
  const given = Object.entries(inputs).map(([key, value]) => [`INPUT_${key.toUpperCase()}`, value] as const);
  return {
    GITHUB_ACTIONS: "true",
    GITHUB_WORKSPACE: workspace,
    GITHUB_OUTPUT: file("output"),
    GITHUB_STEP_SUMMARY: file("summary"),
    GITHUB_STATE: file("state"),
    RUNNER_TEMP: file("temp"),
    ...Object.fromEntries(given),
  };
}

/** Starts an action's committed bundle as the runner does. `folder` gets the runner's files. */
export async function runAction(
  name: string,
  inputs: Readonly<Record<string, string>>,
  folder: string,
  workspace: string,
  env: Readonly<Record<string, string>> = {},
  timeoutMs = 50_000,
): Promise<ActionRun> {
  const own = await runnersEnvironment(inputs, folder, workspace);
  const result = await processes.run({
    argv: bundleOf(name),
    cwd: workspace,
    env: { ...own, ...env },
    timeoutMs,
    accept: [0, 1],
  });
  const written = (of: string): Promise<string> => readFile(join(folder, of), "utf8");
  return {
    exitCode: result.exitCode,
    lines: `${result.stdout}${result.stderr}`.split("\n").filter((line) => line !== ""),
    outputs: parseFile(await written("output")),
    summary: await written("summary"),
    state: parseFile(await written("state")),
  };
}

/** The runner's format: `name<<DELIMITER`, the value, `DELIMITER`. */
function parseFile(text: string): Record<string, string> {
  const found = text.matchAll(/^(?<name>[\w-]+)<<(?<end>\S+)\n(?<value>[\s\S]*?)\n\k<end>$/gm);
  return Object.fromEntries([...found].map(({ groups }) => [groups?.name ?? "", groups?.value ?? ""]));
}
