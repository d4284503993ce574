import { type ChildProcess, spawn as spawnProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { addRelease, block } from "../../../lib/manifest/repository/targets.ts";
import { parseVersion } from "../../../lib/release/version.ts";
import { parseRange } from "../../../updater/proxy/proxy.ts";
import { Bench, choices, exampleRelease, rootOf, signersOf } from "../../unit/manifest/example.ts";

const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");
export const slotOf = (tag: string): Buffer => Buffer.alloc(8192, `slot of ${tag} `);
export const bundleOf = (tag: string): Buffer => Buffer.alloc(50_000, `bundle of ${tag} `);

export interface ReleaseMore {
  /** Versions that must not be skipped, by their tags. */
  readonly waypoints?: readonly string[];
  /** The release whose builds are carried over. */
  readonly carriedFrom?: string;
}

/** A release whose slot and bundle have content, unlike the example's. */
function releaseOf(tag: string, { waypoints, carriedFrom = tag }: ReleaseMore = {}) {
  const { document: head } = exampleRelease(tag);
  const document = { ...exampleRelease(carriedFrom).document, tag, date: head.date, channel: head.channel };
  const serials = waypoints?.map((waypoint) => parseVersion(waypoint).serial);
  const builds = document.builds.map((build) => ({
    ...build,
    slot: { bytes: slotOf(carriedFrom).length, sha256: sha256(slotOf(carriedFrom)) },
    ...(serials === undefined ? {} : { waypoints: serials }),
  }));
  const assets = document.assets.map((asset) =>
    asset.name.endsWith(".raucb")
      ? { ...asset, bytes: bundleOf(carriedFrom).length, sha256: sha256(bundleOf(carriedFrom)) }
      : asset,
  );
  const changed = { ...document, builds, assets };
  const file = JSON.stringify(changed);
  return { document: changed, file: { bytes: Buffer.byteLength(file), sha256: sha256(file) } };
}

export const buildIdOf = (tag: string): string =>
  releaseOf(tag).document.builds.find(({ id }) => id === "agent-rpi-arm64")?.buildId ?? "";

/** In the place of busctl: RAUC with two slots in files, which installs by copying what the test lays beside it. */
const BUSCTL = (folder: string): string => `#!/bin/sh
echo "busctl $*" >>${folder}/log
booted=$(cat ${folder}/booted)
case "$*" in
*BootSlot*) echo "{\\"type\\":\\"s\\",\\"data\\":\\"$booted\\"}" ;;
*Operation*) cat ${folder}/progress ;;
*GetPrimary*) echo '{"type":"s","data":["rootfs.0"]}' ;;
*GetSlotStatus*) cat ${folder}/slots ;;
*InstallBundle*)
  # RAUC forgets the last error as it begins (install_thread of its install.c).
  cp ${folder}/idle ${folder}/progress
  echo $$ >${folder}/installs
  for url; do case $url in http*|/*.raucb) from=$url ;; esac; done
  case $from in
  http*) curl -sf -r 0-3 "$from" >${folder}/read || {
    [ "$(cat ${folder}/installs)" != $$ ] || cp ${folder}/failed ${folder}/progress
    exit 0
  } ;;
  *) cp "$from" ${folder}/read ;;
  esac
  cp ${folder}/next-slot ${folder}/slot-B
  ;;
esac
`;

/** A node's files below a folder, a store over HTTP, and programs that stand in for systemd's and RAUC's. */
export class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), "updater-scene-"));
  readonly root = join(this.folder, "root");
  readonly programs = join(this.folder, "programs");
  readonly bench: Bench;
  readonly asked: string[] = [];
  /** Told of each path before it is answered. */
  onAsked: ((path: string) => void) | undefined;
  /** Whether bundles are answered with 504. */
  down = false;
  /** Whether bundles are answered with somebody's page. */
  portal = false;
  readonly #server: Server;
  #releases = new Map<string, ReturnType<typeof releaseOf>>();

  constructor(now = new Date()) {
    this.bench = new Bench(rootOf({}, {}, now), signersOf(), now);
    this.#server = createServer((request, response) => {
      const path = (request.url ?? "/").slice(1);
      this.asked.push(path);
      this.onAsked?.(path);
      const content = this.#content(path);
      if (content === undefined) return void response.writeHead(404).end();
      if (this.down && path.endsWith(".raucb")) return void response.writeHead(504).end();
      if (this.portal && path.endsWith(".raucb")) return void response.end("<html>Log in</html>");
      const range = parseRange(request.headers.range ?? "", content.length);
      if (range === undefined || range === "none") return void response.end(content);
      const body = content.subarray(range.from, range.to + 1);
      const part = `bytes ${range.from}-${range.to}/${content.length}`;
      response.writeHead(206, { "content-range": part, "content-length": body.length }).end(body);
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.put("usr/lib/home-pi/build.json", {
      cluster: "home",
      profile: "agent",
      board: "rpi-arm64",
      buildId: buildIdOf("v1.0.0"),
    });
    this.put("etc/home-pi/update.json", this.config({}));
    this.put("run/home-pi/data.json", { state: "ok", reason: "", device: "/dev/mmcblk0p4" });
    this.put("proc/cmdline", "root=PARTUUID=1 rauc.slot=A home-pi.slot=A");
    this.put("proc/sys/kernel/random/boot_id", "boot-1");
    this.put("run/systemd/timesync/synchronized", "");
    mkdirSync(join(this.root, "data/update"), { recursive: true });
    this.bench.release("v0.9.0");
    this.release("v1.0.0");
    this.put("usr/share/home-pi/root.json", Buffer.from(this.bench.trusted).toString("utf8"));
    this.#standIns();
    return this;
  }

  config(more: object): object {
    return { channel: "stable", mode: "auto", address: `${this.address}manifest/`, ...more };
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  release(tag: string, more: ReleaseMore = {}): void {
    const made = releaseOf(tag, more);
    this.#releases.set(tag, made);
    this.bench.do((state, signing) => addRelease(state, made, choices, signing));
  }

  /** `version` without `v`. */
  block(version: string, reason: string): void {
    this.bench.do((state, signing) => block(state, { version, reason }, signing));
  }

  put(path: string, content: object | string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  }

  /** What a program stood in for was called with. */
  get log(): readonly string[] {
    const file = join(this.programs, "log");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }

  #content(path: string): Buffer | undefined {
    const [, tag = "", name = ""] = /^releases\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const release = this.#releases.get(tag);
    if (name === "release.json" && release !== undefined)
      return Buffer.from(JSON.stringify(release.document));
    if (name.endsWith(".raucb") && release !== undefined) return bundleOf(tag);
    const file = this.bench.files.get(path.replace(/^manifest\//, ""));
    return file === undefined ? undefined : Buffer.from(file);
  }

  #standIns(): void {
    mkdirSync(this.programs);
    const beside = (name: string): string => join(this.programs, name);
    const status = (name: string, bootname: string) => {
      const say = (data: string) => ({ type: "s", data });
      const facts = {
        device: say(beside(`slot-${bootname}`)),
        bootname: say(bootname),
        "boot-status": say("good"),
      };
      return [name, facts];
    };
    const slots = { type: "a(sa{sv})", data: [[status("rootfs.0", "A"), status("rootfs.1", "B")]] };
    const progress = (percent: number, error: string) =>
      `{"type":"s","data":"idle"}\n{"type":"(isi)","data":[${percent},"Installing done.",1]}\n{"type":"s","data":"${error}"}\n`;
    writeFileSync(beside("slots"), JSON.stringify(slots));
    writeFileSync(beside("progress"), progress(100, ""));
    writeFileSync(beside("idle"), progress(100, ""));
    writeFileSync(beside("failed"), progress(100, "Failed to stream bundle"));
    writeFileSync(beside("booted"), "A");
    this.program("busctl", BUSCTL(this.programs));
    this.program(
      "systemctl",
      `#!/bin/sh\necho "systemctl $*" >>${this.programs}/log\ncase "$*" in *is-active*) echo active;; esac\n`,
    );
    for (const name of ["modprobe", "udevadm", "systemd-run", "fw_setenv"]) {
      this.program(name, `#!/bin/sh\necho "${name} $*" >>${this.programs}/log\n`);
    }
  }

  program(name: string, content: string): void {
    writeFileSync(join(this.programs, name), content);
    chmodSync(join(this.programs, name), 0o755);
  }

  /** Starts the bundled program, as a node does. */
  spawn(args: readonly string[]): ChildProcess {
    const program = join(import.meta.dirname, "../../../updater/dist/node-update.mjs");
    const PATH = `${this.programs}:${process.env.PATH}`;
    // With this machine's Node, and what the first line says to a node's.
    const [, ...flags] = /node( --[^\n]+)?$/m.exec(readFileSync(program, "utf8"))?.[1]?.split(" ") ?? [];
    const env = { PATH, HOME_PI_ROOT: this.root };
    return spawnProcess(process.execPath, [...flags, program, ...args], { env });
  }

  async run(...args: readonly string[]) {
    const child = this.spawn(args);
    let [stdout, stderr, peakKiB] = ["", "", 0];
    child.stdout?.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr?.on("data", (chunk) => {
      stderr += chunk;
    });
    const watch = setInterval(() => {
      const file = `/proc/${child.pid}/status`;
      const text = existsSync(file) ? readFileSync(file, "utf8") : "";
      peakKiB = Math.max(peakKiB, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0));
    }, 10);
    const code = await new Promise<number | null>((resolve) =>
      child.on("close", (status) => resolve(status)),
    );
    clearInterval(watch);
    return { code, stdout, stderr, peakKiB };
  }

  /** As the services do it on a boot whose units run; `last`: where they stop. */
  async boot(
    bootId: string,
    slot: "A" | "B",
    buildId: string,
    last: "committed" | "not committed" = "committed",
  ) {
    this.put("proc/sys/kernel/random/boot_id", bootId);
    this.put("proc/cmdline", `rauc.slot=${slot}`);
    this.put("usr/lib/home-pi/build.json", {
      cluster: "home",
      profile: "agent",
      board: "rpi-arm64",
      buildId,
    });
    writeFileSync(join(this.programs, "booted"), slot);
    rmSync(join(this.root, "run/home-pi/marked-good"), { force: true });
    const gate = await this.run("gate");
    if (gate.code !== 0) return { gate, commit: undefined };
    this.put("run/home-pi/marked-good", "");
    if (last === "not committed") return { gate, commit: undefined };
    return { gate, commit: await this.run("commit") };
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
