import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clock } from "../../../lib/external/clock.ts";
import type { Processes } from "../../../lib/external/process.ts";
import type { ChannelImage } from "../../../lib/manifest/channel.ts";
import { performInstall } from "../../../updater/perform-install.ts";
import { placesOf } from "../../../updater/places.ts";
import type { Bus, BusReply } from "../../../updater/rauc/bus.ts";
import { StateFile } from "../../../updater/state/file.ts";
import type { State } from "../../../updater/state/record.ts";
import { committed, facts, imageOf, trialOf } from "../../unit/updater/example.ts";
import { FaultServer } from "./fault-server.ts";

export const slot = Buffer.alloc(8192, "a system ");
export const bundle = Buffer.alloc(50_000, "a bundle ");
export const sha256 = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");

const say = (data: string) => ({ type: "s", data });

/** RAUC on the bus, with two slots in files. What it does when it is told to install is up to the test. */
export class FakeRauc implements Bus {
  readonly calls: string[] = [];
  /** Gets what is to be installed; returns the error, empty: installed. Throws where the call itself fails. */
  installs: (from: string) => string | Promise<string> = () => "";
  /** Of the other slot. */
  device: string;
  bootStatus = "good";
  buildId = "";
  running = false;
  /** Calls that are not answered. */
  readonly silent = new Set<string>();
  #error = "";

  constructor(device: string) {
    this.device = device;
  }

  async call(method: string, _signature?: string, args: readonly string[] = []) {
    this.calls.push([method, ...args].join(" "));
    if (this.silent.has(method)) throw new Error(`${method}: no answer`);
    if (method === "GetPrimary") return { type: "s", data: ["rootfs.0"] };
    if (method === "GetSlotStatus") return { type: "a(sa{sv})", data: [this.#slots()] };
    if (method === "InstallBundle") this.#error = await this.installs(args[0] ?? "");
    return undefined;
  }

  #slots(): readonly unknown[] {
    const other = {
      device: say(this.device),
      bootname: say("B"),
      "boot-status": say(this.bootStatus),
      ...(this.buildId === "" ? {} : { "bundle.build": say(this.buildId) }),
    };
    const booted = { device: say("/slots/a"), bootname: say("A"), "boot-status": say("good") };
    return [
      ["rootfs.0", booted],
      ["rootfs.1", other],
    ];
  }

  async properties(names: readonly string[]): Promise<readonly BusReply[]> {
    if (names.includes("BootSlot")) return [say("A")];
    const state = this.running ? "installing" : "idle";
    return [say(state), { type: "(isi)", data: [100, "Installing done.", 1] }, say(this.#error)];
  }
}

/** Programs of a node that all do what they are told; `log` gets what was run. */
export function fakeProcesses(udevHolds: () => boolean, log: string[] = []): Processes {
  return {
    run: async ({ argv }) => {
      log.push(argv.join(" "));
      return { exitCode: 0, stdout: "", stderr: "", durationMs: 0 };
    },
    start: (_, onData) => {
      const exited = udevHolds() ? new Promise<undefined>(() => undefined) : Promise.resolve(1);
      if (udevHolds()) setImmediate(() => onData(Buffer.from("held\n")));
      return {
        pid: undefined,
        exited,
        write: () => onData(Buffer.from("free\n")),
        stop: async () => undefined,
      };
    },
  };
}

/** One installation on a node whose files lie in a folder and whose store is on the loopback. */
export class InstallScene {
  readonly folder = mkdtempSync(join(tmpdir(), "updater-install-"));
  readonly places = placesOf(join(this.folder, "root"));
  readonly stateFile = new StateFile(this.places.state);
  readonly server = new FaultServer(bundle);
  readonly rauc = new FakeRauc(join(this.folder, "slot-B"));
  /** Whether udev's queue can be held. */
  udevHolds = true;
  /** Programs that were run, with their arguments. */
  readonly log: string[] = [];

  async start(state: Partial<State> = {}): Promise<this> {
    await this.server.start();
    mkdirSync(join(this.folder, "root/run/home-pi"), { recursive: true });
    writeFileSync(this.rauc.device, slot);
    await this.stateFile.write({ ...committed, ...state });
    return this;
  }

  stop(): void {
    this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get image(): ChannelImage {
    return imageOf(6, "c", {
      bundle: { name: "agent.raucb", urls: [this.server.url], bytes: bundle.length, sha256: sha256(bundle) },
      slot: { bytes: slot.length, sha256: sha256(slot) },
    });
  }

  /** Where its bundle lies once it is downloaded. */
  get bundle(): string {
    return join(this.places.bundles, `${sha256(bundle)}.raucb`);
  }

  async state(): Promise<State> {
    return (await this.stateFile.read()).state;
  }

  run() {
    const { image, places, stateFile, rauc } = this;
    const { running } = facts;
    const world = {
      processes: fakeProcesses(() => this.udevHolds, this.log),
      clock,
      signal: new AbortController().signal,
    };
    const order = { image, asked: false, running, before: trialOf("c").before, address: this.server.url };
    return performInstall(order, { world, bus: rauc, places, stateFile, onProgress: () => undefined });
  }
}
