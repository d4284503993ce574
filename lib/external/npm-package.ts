import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { Failure } from "../failure.ts";
import { ProcessError } from "./process.ts";
import type { World } from "./world.ts";

export type NpmPackageCode = "FETCH" | "DIGEST";

export class NpmPackageError extends Failure<NpmPackageCode> {
  readonly area = "npm";
}

export interface NpmPackageRequest {
  readonly name: string;
  readonly version: string;
  /** Subresource integrity, as package-lock.json has it: `sha512-` and base64. */
  readonly integrity: string;
  /** Absent or empty folder, in which the package stays. */
  readonly folder: string;
  /** The largest file npm may write, in bytes. */
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** npm's settings, and where it finds certificates: a registry behind a company's proxy needs both. */
function npmEnvironment(): Record<string, string> {
  const wanted = /^(npm_config_\w+|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)$/i;
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => wanted.test(entry[0])),
  );
}

/**
 * The search path without the Node this project brings: npm reads the machine's settings (certificates, registry)
 * from beside the Node it is run by, and the one in node_modules has none beside it.
 */
function npmPath(): string {
  const own = dirname(process.execPath);
  const others = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== own);
  return [...others, "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter);
}

/** What npm said last of why it failed, without its own prefix. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof ProcessError)) return "";
  const said = cause.details.map((line) => line.replace(/^npm (error|ERR!) ?/, "").trim());
  const reason = said.findLast((line) => line !== "" && !line.startsWith("A complete log of this run"));
  return `: ${reason ?? cause.message}`;
}

async function integrityOf(file: string): Promise<string> {
  const hash = createHash("sha512");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return `sha512-${hash.digest("base64")}`;
}

/**
 * Fetches the archive of an npm package, whatever machine it is for, and returns its path once its digest is right.
 * npm itself does it, so that a person's own settings hold (registry, proxy). Throws NpmPackageError.
 */
export async function fetchNpmPackage(request: NpmPackageRequest, world: World): Promise<string> {
  const { name, version, integrity, folder, maxBytes, timeoutMs } = request;
  const spec = `${name}@${version}`;
  await mkdir(folder, { recursive: true });
  try {
    await world.processes.run({
      // The limit is the kernel's: npm has none of its own for what a server sends.
      argv: ["prlimit", `--fsize=${maxBytes}`, "npm", "pack", spec, "--pack-destination", folder],
      cwd: folder,
      env: {
        ...npmEnvironment(),
        PATH: npmPath(),
        npm_config_cache: join(folder, "cache"),
        npm_config_ignore_scripts: "true",
        npm_config_update_notifier: "false",
      },
      timeoutMs,
      signal: world.signal,
    });
  } catch (cause) {
    if (world.signal.aborted) throw cause;
    throw new NpmPackageError("FETCH", `npm could not fetch ${spec}${reasonOf(cause)}`, {
      fix: `is npm there, and the network? try: npm view ${spec}`,
      cause,
    });
  }
  const archive = (await readdir(folder)).find((one) => one.endsWith(".tgz"));
  const found = archive === undefined ? "nothing in it" : await integrityOf(join(folder, archive));
  if (archive !== undefined && found === integrity) return join(folder, archive);
  throw new NpmPackageError("DIGEST", `${spec} has ${found}, expected ${integrity}`, {
    fix: "do not use it: the registry serves another file than the one this project was tested with",
  });
}
