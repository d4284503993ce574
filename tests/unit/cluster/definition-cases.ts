import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DefinitionError, formatProblem } from "../../../lib/cluster/failure.ts";
import { renderIdentity } from "../../../lib/cluster/identity.ts";
import { loadDefinition, MAX_FILE_BYTES } from "../../../lib/cluster/load.ts";

export const fixtures = join(import.meta.dirname, "fixtures");

/** A bad definition by name, with what a person is told about it: one line per problem, its code first. */
export interface Case {
  readonly name: string;
  run(): Promise<unknown>;
}

/** Cases too large to be kept as files, or about a file's absence. */
const made: Readonly<Record<string, string>> = {
  "file-too-large": `cluster: home\n${"#".repeat(MAX_FILE_BYTES)}\n`,
  "too-many-builds": `cluster: home\nprofiles:\n${Array.from({ length: 257 }, (_, i) => `  p${i}: { board: rpi-arm64 }\n`).join("")}`,
  "too-many-waypoints": `cluster: home\nupdate:\n  waypoints: ${JSON.stringify(Array.from({ length: 101 }, (_, i) => `1.${i}.0`))}\nprofiles: { agent: { board: rpi-arm64 } }\n`,
  "yaml-depth": `cluster: ${"[".repeat(50_000)}\n`,
};

async function loadMade(name: string, text: string): Promise<unknown> {
  const project = await mkdtemp(join(tmpdir(), "definition-"));
  try {
    await mkdir(join(project, "boards", "rpi-arm64"), { recursive: true });
    await writeFile(join(project, `${name}.yaml`), text);
    return await loadDefinition(project, join(project, `${name}.yaml`));
  } finally {
    await rm(project, { recursive: true });
  }
}

export async function definitionCases(): Promise<Case[]> {
  const files = (await readdir(fixtures)).filter((file) => file.endsWith(".yaml"));
  const kept = files.map((file) => ({
    name: file.replace(/\.yaml$/, ""),
    run: () => loadDefinition(fixtures, join(fixtures, file)),
  }));
  const others = Object.entries(made).map(([name, text]) => ({ name, run: () => loadMade(name, text) }));
  return [
    ...kept,
    ...others,
    { name: "file-not-found", run: () => loadDefinition(fixtures, join(fixtures, "file-not-found.yaml")) },
    { name: "file-is-folder", run: () => loadDefinition(fixtures, join(fixtures, "boards")) },
    {
      name: "unknown-node",
      run: async () => {
        const { definition, file } = await loadDefinition(join(fixtures, "good"));
        return renderIdentity(definition, "pi-22", file);
      },
    },
  ];
}

/** What a case tells, as its `.expected` file has it. */
export async function told({ run }: Case): Promise<string> {
  const error = await run().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DefinitionError)) throw error ?? new Error("it was taken as good");
  return error.problems.map((problem) => `${problem.code} ${formatProblem(problem)}\n`).join("");
}

export function expected(name: string): Promise<string> {
  return readFile(join(fixtures, `${name}.expected`), "utf8");
}
