import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildInfo } from "../../lib/image/build/results.ts";
import { leftovers } from "./leftovers.ts";
import type { PiResult, ProjectCopy } from "./project-copy.ts";

/** What a run left of its own; the kernel's entry for arm64 programs may be in use by a build beside this one. */
export async function ownLeftovers(cache: string): Promise<string[]> {
  return (await leftovers(cache)).filter((left) => !left.startsWith("binfmt entry "));
}

/** The error a run ended with, without what was printed before it. */
export function said(result: PiResult): string {
  return result.output.slice(result.output.lastIndexOf("error: "));
}

/** What a build made, by digest, as its own record says. */
export async function digestsIn(copy: ProjectCopy, out = "out"): Promise<Record<string, string>> {
  const names = await readdir(join(copy.folder, out));
  const record = names.find((name) => name.includes("-agent-") && name.endsWith(".buildinfo.json"));
  const text = await readFile(join(copy.folder, out, record ?? "no record"), "utf8");
  const { base, tree, slot, disk, buildId } = JSON.parse(text) as BuildInfo;
  return { buildId, base: base.sha256, tree: tree.sha256, slot: slot.sha256, disk: disk.sha256 };
}

/** Runs a command where /tmp is read-only, but for the folders named. */
export function withReadOnlyTmp(writable: readonly string[]): string[] {
  const script = `set -e
    while [ "$1" != -- ]; do mount --rbind "$1" "$1"; shift; done
    shift
    mount --rbind /tmp /tmp
    mount -o remount,bind,ro /tmp
    ! touch /tmp/here 2>/dev/null || exit 99
    exec "$@"`;
  return ["unshare", "--mount", "sh", "-c", script, "sh", ...writable, "--"];
}

/** Runs a command where /tmp has not one byte left, but for the folders named. */
export function withFullTmp(writable: readonly string[]): string[] {
  const script = `set -e
    mount --rbind /tmp /media
    mount -t tmpfs -o size=64k tmpfs /tmp
    while [ "$1" != -- ]; do
      case $1 in /tmp/*) mkdir -p "$1"; mount --rbind "/media/\${1#/tmp/}" "$1" ;; esac
      shift
    done
    shift
    dd if=/dev/zero of=/tmp/filler bs=4k 2>/dev/null || :
    ! echo more >/tmp/here 2>/dev/null || exit 99
    exec "$@"`;
  return ["unshare", "--mount", "sh", "-c", script, "sh", ...writable, "--"];
}
