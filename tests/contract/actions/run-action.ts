import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { processes } from "../../../lib/external/process.ts";

export const root = join(import.meta.dirname, "..", "..", "..");

export interface ActionRun {
  readonly exitCode: number;
  readonly lines: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

/** Starts an action's committed bundle as the runner does. `folder` gets the runner's files. */
export async function runAction(
  name: string,
  inputs: Readonly<Record<string, string>>,
  folder: string,
  workspace: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ActionRun> {
  const file = (of: string): string => join(folder, of);
  await mkdir(file("temp"), { recursive: true });
  await writeFile(file("output"), "");
  await writeFile(file("summary"), "");
  const given = Object.entries(inputs).map(([key, value]) => [`INPUT_${key.toUpperCase()}`, value] as const);
  const result = await processes.run({
    argv: [process.execPath, join(root, "actions", name, "dist", "index.js")],
    cwd: workspace,
    env: {
      GITHUB_ACTIONS: "true",
      GITHUB_WORKSPACE: workspace,
      GITHUB_OUTPUT: file("output"),
      GITHUB_STEP_SUMMARY: file("summary"),
      RUNNER_TEMP: file("temp"),
      ...env,
      ...Object.fromEntries(given),
    },
    timeoutMs: 50_000,
    accept: [0, 1],
  });
  return {
    exitCode: result.exitCode,
    lines: `${result.stdout}${result.stderr}`.split("\n").filter((line) => line !== ""),
    outputs: parseOutputs(await readFile(file("output"), "utf8")),
    summary: await readFile(file("summary"), "utf8"),
  };
}

/** The runner's format: `name<<DELIMITER`, the value, `DELIMITER`. */
function parseOutputs(text: string): Record<string, string> {
  const found = text.matchAll(/^(?<name>[\w-]+)<<(?<end>\S+)\n(?<value>[\s\S]*?)\n\k<end>$/gm);
  return Object.fromEntries([...found].map(({ groups }) => [groups?.name ?? "", groups?.value ?? ""]));
}
