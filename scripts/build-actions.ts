import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, type Metafile, type Plugin } from "esbuild";
import { z } from "zod";

const root = join(import.meta.dirname, "..");

/** Names of the folders in actions/ that are an action, sorted. */
export async function actionNames(): Promise<string[]> {
  const names = await readdir(join(root, "actions"));
  return names.filter((name) => existsSync(join(root, "actions", name, "action.yml"))).sort();
}

// What CommonJS packages still expect around them inside an ES module.
const BANNER = [
  'import { createRequire as createRequireForBundle } from "node:module";',
  "const require = createRequireForBundle(import.meta.url);",
].join("\n");

// Optional companions of the CycloneDX library, for XML and validation; it goes without where they are missing.
const ABSENT = ["ajv", "ajv-formats", "ajv-formats-draft2019", "libxmljs2", "xmlbuilder2"];

/** Bundles a program with all it imports, so that it runs where only Node is. Returns what went into it. */
export async function bundle(
  entry: string,
  outfile: string,
  plugins: readonly Plugin[] = [],
): Promise<Metafile> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    banner: { js: BANNER },
    // Not in the banner: a package may have names of its own like these, which the bundler has to tell apart.
    inject: [join(root, "scripts", "bundle-globals.ts")],
    external: ABSENT,
    plugins: [...plugins],
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
  });
  return result.metafile;
}

/** Bundles one action; `folder` receives index.js and licenses.txt. The same sources give the same bytes. */
export async function buildAction(name: string, folder: string): Promise<void> {
  const metafile = await bundle(`actions/${name}/index.ts`, join(folder, "index.js"));
  await writeFile(join(folder, "licenses.txt"), await licences(metafile));
}

const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().default("not stated"),
});

/** The folder of the npm package a bundled file comes from. */
function packageOf(input: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
}

/** What the licences of bundled packages ask for. */
export async function licences(metafile: Metafile): Promise<string> {
  const packages = Object.keys(metafile.inputs).map(packageOf);
  const folders = [...new Set(packages.filter((folder) => folder !== undefined))].sort();
  const parts = await Promise.all(folders.map(licence));
  return parts.join(`\n${"-".repeat(80)}\n\n`);
}

async function licence(folder: string): Promise<string> {
  const { name, version, license } = packageSchema.parse(
    JSON.parse(await readFile(join(root, folder, "package.json"), "utf8")),
  );
  const file = (await readdir(join(root, folder))).sort().find((entry) => /^licen[cs]e/i.test(entry));
  const text =
    file === undefined
      ? ""
      : `\n${(await readFile(join(root, folder, file), "utf8")).replaceAll("\r\n", "\n").trim()}\n`;
  return `${name} ${version} (${license})\n${text}`;
}

/** Bundles all actions into `<out>/<name>/dist`. */
export async function buildActions(out: string): Promise<string[]> {
  const names = await actionNames();
  for (const name of names) {
    const folder = join(out, name, "dist");
    await mkdir(folder, { recursive: true });
    await buildAction(name, folder);
  }
  return names;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: "string", default: join(root, "actions") } } });
  const names = await buildActions(values.out);
  process.stdout.write(`built ${names.join(", ")}\n`);
}
