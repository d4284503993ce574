import type { CliContext } from "./context.ts";

/**
 * Goes on as root: building and booting need mounts and chroots. Where we are not root the process is
 * replaced by the same command under sudo, with the same cache; then this does not return.
 */
export function becomeRoot(context: CliContext, why: string): void {
  if (process.getuid?.() === 0) return;
  process.stderr.write(`${why} needs root: going on with sudo\n`);
  const kept = ["PATH", "HOME", "TERM", "CI", "GITHUB_ACTIONS", "http_proxy", "https_proxy", "no_proxy"];
  const environment = [
    `PI_CACHE=${context.cacheDir}`,
    ...kept.flatMap((name) => (process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`])),
  ];
  const [node = "node", ...script] = process.argv;
  process.execve?.("/usr/bin/sudo", ["sudo", "env", ...environment, process.execPath ?? node, ...script]);
}
