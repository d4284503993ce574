import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  createReadStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { lineSplitter } from "../../../lib/external/process.ts";
import type { Attributes, Template } from "./template.ts";
import type { Voice } from "./voice.ts";

/** A step that failed: the build is halted after it was told. */
export class Halted extends Error {}

export interface Running {
  readonly template: Template;
  readonly voice: Voice;
  /** Aborted by SIGTERM and SIGINT. */
  readonly signal: AbortSignal;
  /** What is to be undone, last first. */
  readonly cleanup: (() => void)[];
}

function text(attributes: Attributes, name: string): string {
  return String(attributes[name] ?? "");
}

function texts(attributes: Attributes, name: string): string[] {
  const value = attributes[name];
  return Array.isArray(value) ? value.map(String) : [];
}

function tool(running: Running, what: string, argv: readonly string[], input?: string): string {
  const [program = "", ...args] = argv;
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", input });
  if (status === 0) return stdout;
  running.voice.builder(
    "error",
    `error ${what} exit status ${status}: ${error?.message ?? ""}${stderr}${stdout}`,
  );
  throw new Halted();
}

export async function checkBase(running: Running): Promise<string> {
  const { template, voice } = running;
  const [url = ""] = texts(template.source, "file_urls");
  const path = fileURLToPath(url);
  voice.builder("say", "Retrieving rootfs_archive");
  voice.builder("say", `Trying ${url}?archive=false`);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  const got = hash.digest("hex");
  const expected = text(template.source, "file_checksum");
  if (got !== expected) {
    const lines = [
      `Checksums did not match for ${path}.`,
      `Expected: ${expected}`,
      `Got: ${got}`,
      "*sha256.Digest",
    ];
    voice.builder("error", `error downloading rootfs_archive: [${lines.join("\n")}]`);
    throw new Halted();
  }
  return path;
}

/** Image, table, loop device, file system, mount: the mount path. */
export function makeImage(running: Running): string {
  const { template, voice, cleanup } = running;
  const image = text(template.source, "image_path");
  const [partition = {}] = template.blocks.image_partitions ?? [];
  voice.builder("say", `creating an empty image ${image}`);
  writeFileSync(image, "");
  truncateSync(image, Number(template.source.image_size_bytes));
  voice.builder("say", `creating 1 dos partitions on ${image}`);
  const table = `label: dos\nunit: sectors\n1: type=${text(partition, "type")}, start=${text(partition, "start_sector")}`;
  voice.builder("error", `** DEBUG: ${table}`);
  tool(running, "sfdisk", ["sfdisk", "--quiet", image], `${table}\n`);
  voice.builder("say", `mapping image ${image} to free loopback device`);
  const device = tool(running, "losetup --find --partscan", [
    "losetup",
    "--find",
    "--partscan",
    "--show",
    image,
  ]).trim();
  cleanup.push(() => spawnSync("losetup", ["--detach", device]));
  voice.builder("say", `image ${image} mapped to ${device}`);
  const options = texts(partition, "filesystem_make_options");
  const make = `mkfs.${text(partition, "filesystem")}`;
  voice.builder("say", `creating partition #1: mkfs.${make} ${options.join(" ")} ${device}p1`);
  tool(running, "mkfs", [make, ...options, `${device}p1`]);
  const mount = text(template.source, "image_mount_path");
  mkdirSync(mount, { recursive: true });
  voice.builder("say", `mounting ${device}p1 to ${mount}`);
  tool(running, "mount", ["mount", "-o", "discard", `${device}p1`, mount]);
  cleanup.push(() => {
    voice.builder("say", `unmounting ${mount}`);
    spawnSync("umount", [mount]);
    rmdirSync(mount);
  });
  return mount;
}

export function unpack(running: Running, archive: string, mount: string): void {
  const places: Record<string, string> = { $ARCHIVE_PATH: archive, $MOUNTPOINT: mount };
  const argv = texts(running.template.source, "file_unarchive_cmd").map((word) => places[word] ?? word);
  running.voice.builder("say", `unpacking ${archive} to ${mount}`);
  running.voice.builder("say", `unpacking with custom command: [${argv.join(" ")}]`);
  tool(running, "while unpacking", argv);
}

export function mountInside(running: Running, root: string): void {
  const { template, voice, cleanup } = running;
  voice.builder("say", "running extra setup");
  const all = [
    ...(template.blocks.image_chroot_mounts ?? []),
    ...(template.blocks.additional_chroot_mounts ?? []),
  ];
  const sorted = all.sort((a, b) => (text(a, "destination_path") < text(b, "destination_path") ? -1 : 1));
  for (const mount of sorted) {
    const target = join(root, text(mount, "destination_path"));
    const type = text(mount, "mount_type");
    const how = type === "bind" || type === "rbind" ? [`--${type}`] : ["-t", type];
    const argv = ["mount", ...how, text(mount, "source_path"), target];
    mkdirSync(target, { recursive: true });
    voice.builder("say", `mounting ${text(mount, "source_path")} with: [${argv.join(" ")}]`);
    tool(running, "while mounting", argv);
    cleanup.push(() => {
      voice.builder("say", `unmounting ${target}`);
      if (spawnSync("umount", [target]).status !== 0)
        voice.builder("error", `error while unmounting ${target}`);
    });
  }
}

/** As the plugin: a registered interpreter must be the very file named, and a copy goes into the root. */
export function setUpInterpreter(running: Running, root: string): void {
  if (process.env.DONT_SETUP_QEMU !== undefined) return;
  const { template, voice, cleanup } = running;
  const from = text(template.source, "qemu_binary_source_path");
  const registry = "/proc/sys/fs/binfmt_misc";
  const entry = readdirSync(registry)
    .filter((name) => name !== "register" && name !== "status")
    .find((name) => {
      const interpreter = /^interpreter (.*)$/m.exec(readFileSync(join(registry, name), "utf8"))?.[1] ?? "";
      const [registered, named] = [interpreter, from].map((path) =>
        statSync(path, { throwIfNoEntry: false }),
      );
      return registered !== undefined && registered.ino === named?.ino && registered.dev === named.dev;
    });
  if (entry === undefined) {
    voice.builder("error", `Failed to find binfmt_misc for ${from} under ${registry}`);
    throw new Halted();
  }
  voice.builder("say", `binfmt setup found at: ${join(registry, entry)}`);
  const to = join(root, text(template.source, "qemu_binary_destination_path"));
  mkdirSync(dirname(to), { recursive: true });
  voice.builder("say", `copying qemu binary from ${from} to: ${to}`);
  copyFileSync(from, to);
  cleanup.push(() => rmSync(to, { force: true }));
}

/** Runs the template's own command, and hands on what it prints line by line. */
export async function provision(running: Running): Promise<void> {
  const { template, voice, signal } = running;
  voice.builder("say", "running the provision hook");
  const script = join(process.env.TMPDIR ?? "/tmp", `packer-shell${process.pid}`);
  const lines = [
    `#!${text(template.provisioner, "inline_shebang")}`,
    ...texts(template.provisioner, "inline"),
  ];
  writeFileSync(script, `${lines.join("\n")}\n`, { mode: 0o755 });
  voice.builder("say", `Running local shell script: ${script}`);
  const child = spawn(script, { stdio: ["ignore", "pipe", "pipe"] });
  const onAbort = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", onAbort, { once: true });
  for (const [stream, how] of [
    [child.stdout, "say"],
    [child.stderr, "error"],
  ] as const) {
    const split = lineSplitter((line) => voice.builder(how, line));
    stream.on("data", (chunk: Buffer) => split.push(chunk));
    stream.on("end", () => split.end());
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  rmSync(script, { force: true });
  if (code === 0 && !signal.aborted) return;
  const why = signal.aborted
    ? `Error executing script: ${script}\n\nPlease see output above for more information.`
    : `Script exited with non-zero exit status: ${code}. Allowed exit codes are: [0]`;
  voice.builder("error", `error while running provision hook: ${why}`);
  throw new Halted();
}
