import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { folderSource } from "../../../lib/external/source.ts";
import { openManifest } from "../../../lib/manifest/client/open.ts";
import type { ManifestFiles } from "../../../lib/manifest/repository/state.ts";

/** What a reader makes of a manifest: the release each channel stands at, or why it refuses. */
export type Reading = { readonly channels: Readonly<Record<string, string>> } | { readonly error: string };

export interface ReadRequest {
  /** Folder of the manifest. */
  readonly manifest: string;
  /** Folder in which the reader keeps what it accepted. */
  readonly memory: string;
  readonly trusted: Uint8Array;
  readonly now: Date;
}

export interface Reader {
  readonly name: string;
  read(request: ReadRequest): Promise<Reading>;
}

/** Writes files of a home into a folder that held others before. */
export function lay(folder: string, files: ManifestFiles): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

export const ours: Reader = {
  name: "ours",
  read: async ({ manifest, memory, trusted, now }) => {
    try {
      const opened = await openManifest({
        source: folderSource(manifest),
        folder: memory,
        trustedRoot: trusted,
        now,
      });
      const channels = Object.entries(opened.channels).map(([name, document]) => [name, document.release]);
      return { channels: Object.fromEntries(channels) };
    } catch (error) {
      return { error: `${(error as { code?: string }).code}: ${(error as Error).message}` };
    }
  },
};

const here = import.meta.dirname;
const requirements = join(here, "requirements.txt");

function cache(): string {
  const given = process.env.PI_CACHE;
  if (given !== undefined && given !== "") return given;
  const root = process.getuid?.() === 0;
  const folder = root ? "/var/cache" : (process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"));
  return join(folder, "home-pi-cluster");
}

/** A Python with python-tuf, made once and kept in the cache; or why there is none here. */
export function foreignPython(): { readonly python: string } | { readonly missing: string } {
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = join(cache(), "foreign", `python-tuf-${digest}`);
  const python = join(folder, "bin", "python");
  if (existsSync(join(folder, "done"))) return { python };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  const run = (file: string, argv: readonly string[]) =>
    spawnSync(file, argv, { encoding: "utf8", timeout: 120_000 });
  const made = run("python3", ["-m", "venv", folder]);
  if (made.status !== 0) return { missing: `python3 -m venv: ${made.stderr ?? ""}${made.stdout ?? ""}` };
  const options = [
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--only-binary",
    ":all:",
    "--require-hashes",
  ];
  const installed = run(python, ["-m", "pip", "install", ...options, "--requirement", requirements]);
  if (installed.status !== 0) return { missing: `pip install: ${installed.stderr}` };
  writeFileSync(join(folder, "done.tmp"), "");
  renameSync(join(folder, "done.tmp"), join(folder, "done"));
  return { python };
}

/** python-tuf in one process that answers request after request. */
export function pythonTuf(python: string, scratch: string): Reader & { stop(): void } {
  const child = spawn(python, [join(here, "walk.py")], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name: "python-tuf",
    read: async ({ manifest, memory, trusted, now }) => {
      const root = join(scratch, "trusted.json");
      writeFileSync(root, trusted);
      const request = { manifest, memory, trusted: root, now: now.toISOString() };
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const line = await lines.next();
      if (line.done === true) throw new Error("python-tuf ended");
      return JSON.parse(line.value) as Reading;
    },
    stop: () => void child.kill(),
  };
}

/** A copy of what a reader remembers, to try several futures from one past. */
export function fork(memory: string, to: string): string {
  if (existsSync(memory)) cpSync(memory, to, { recursive: true, verbatimSymlinks: true });
  return to;
}
