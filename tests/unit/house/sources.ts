import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

export const repository = resolve(import.meta.dirname, "../../..");

/** Built, recorded, or somebody else's: not sources of this project. */
const NO_SOURCES = new Set(["node_modules", "dist", "fixtures", "__pycache__"]);
const FOLDERS = [
  "actions",
  "ansible",
  "bench",
  "boards",
  "cli",
  "lib",
  "packer",
  "schema",
  "scripts",
  "tests",
];
const MORE_FOLDERS = ["tools", "updater", "workbench"];

function below(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NO_SOURCES.has(entry.name) ? [] : below(path);
    return entry.isFile() ? [path] : [];
  });
}

/** All files of this project's sources, relative to its root, sorted. */
export const sources: readonly string[] = readdirSync(repository, { withFileTypes: true })
  .flatMap((entry) => {
    const path = join(repository, entry.name);
    if (entry.isFile()) return [path];
    return [...FOLDERS, ...MORE_FOLDERS].includes(entry.name) ? below(path) : [];
  })
  .map((path) => relative(repository, path))
  .sort();

export const read = (path: string): string => readFileSync(join(repository, path), "utf8");

export const typescript = sources.filter((path) => path.endsWith(".ts"));

/** Shell scripts, by name or by their first line. */
export const shellScripts = sources.filter(
  (path) => path.endsWith(".sh") || /^#!\/bin\/sh\b/.test(read(path).slice(0, 20)),
);

/** The modules a TypeScript source names: `import`, `export from`, `import()`, types too. */
export function importsOf(text: string): string[] {
  const statement =
    /^\s*(?:import|export)\b[^;"']*?\bfrom\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']/gm;
  const call = /\bimport\(\s*["']([^"']+)["']\s*\)/g;
  return [...text.matchAll(statement), ...text.matchAll(call)].map(
    ([, first, second]) => first ?? second ?? "",
  );
}
