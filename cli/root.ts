import { existsSync } from "node:fs";
import { ImageError } from "../lib/image/failure.ts";
import { secretNames } from "../lib/keys/places.ts";
import type { CliContext } from "./context.ts";

const SUDO = "/usr/bin/sudo";
const KEPT = [
  ...["PATH", "HOME", "TERM", "CI", "GITHUB_ACTIONS", "PI_PACKER_DIR", "PI_KEYS", "XDG_CONFIG_HOME"],
  ...["NODE_EXTRA_CA_CERTS"],
  ...["GITHUB_API_URL", "GITHUB_SERVER_URL"],
  ...["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"],
];

/** Handed on by name: their values must not be in a command line, which every user of the machine can read. */
const SECRET = ["GITHUB_TOKEN", ...Object.values(secretNames)];

/**
 * Goes on as root: building and booting need mounts and chroots. Where we are not root the process is
 * replaced by the same command under sudo, with the same cache; then this does not return.
 * Throws ImageError PREFLIGHT where there is no sudo.
 */
export function becomeRoot(context: CliContext, why: string): void {
  if (process.getuid?.() === 0) return;
  // A failed execve ends in an abort, so it is looked for first.
  if (process.execve === undefined || !existsSync(SUDO)) {
    throw new ImageError("PREFLIGHT", `${why} needs root, and there is no sudo`, {
      fix: "run the same command as root, or install sudo",
    });
  }
  process.stderr.write(`${why} needs root: going on with sudo\n`);
  const environment = [
    `PI_CACHE=${context.cacheDir}`,
    ...KEPT.flatMap((name) => (process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`])),
  ];
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const secret = SECRET.filter((name) => (process.env[name] ?? "") !== "");
  const kept = secret.length === 0 ? [] : [`--preserve-env=${secret.join(",")}`];
  process.execve(SUDO, ["sudo", ...kept, "env", ...environment, ...program]);
}
