import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import semver from "semver";
import { PLUGIN_VERSION } from "./contract.ts";
import { Diagnostic } from "./diagnostic.ts";

/** `packer plugins install --path FILE SOURCE`: the installed file's path. */
export function installPlugin(folder: string, file: string, source: string): string {
  const to = join(folder, source);
  mkdirSync(to, { recursive: true });
  const arch = process.arch === "arm64" ? "arm64" : "amd64";
  const installed = join(to, `packer-plugin-${basename(source)}_v${PLUGIN_VERSION}_x5.0_linux_${arch}`);
  copyFileSync(file, installed);
  chmodSync(installed, 0o755);
  return installed;
}

/** Throws Diagnostic where a plugin the template requires is not installed. */
export function requirePlugins(
  folder: string,
  required: readonly { source: string; version: string }[],
): void {
  const missing = required.filter(({ source, version }) => {
    const at = join(folder, source);
    const versions = existsSync(at) ? readdirSync(at).map((name) => /_v([^_]+)_/.exec(name)?.[1] ?? "") : [];
    return !versions.some((found) => semver.satisfies(found, version));
  });
  if (missing.length === 0) return;
  const list = missing.map(({ source, version }) => `* ${source} ${version}`).join("\n");
  const detail = `The following plugins are required, but not installed:\n\n${list}\n\nDid you run packer init for this project ?`;
  throw new Diagnostic("Missing plugins", detail);
}
