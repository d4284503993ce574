import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { vi } from "vitest";
import { messageOf } from "../../../lib/failure.ts";
import { commit, settled } from "../../../updater/commands.ts";
import { UpdaterError } from "../../../updater/failure.ts";
import { trial as limits, SETTLED_AFTER_MS } from "../../../updater/limits.ts";
import { type Places, placesOf, UNITS } from "../../../updater/places.ts";
import type { UpdaterNode } from "../../../updater/run.ts";
import { StateFile } from "../../../updater/state/file.ts";
import type { SlotName, State } from "../../../updater/state/record.ts";
import { runGate } from "../../../updater/trial/gate.ts";
import { gateNode } from "../../../updater/trial/node.ts";
import { Effects, type Fault } from "./effects.ts";
import { buildIdOf } from "./scene.ts";
import type { Card } from "./simulated-card.ts";
import { SimulatedRauc } from "./simulated-rauc.ts";
import { worldOf } from "./simulated-world.ts";

/** More starts than that are a circle. */
const MOST_STARTS = 16;
/** As mark-good does it; the service that trusts a build tries for ever. */
const ATTEMPTS = 5;
const UPDATE_RETURN = join(
  import.meta.dirname,
  "../../../ansible/roles/updater/rootfs/usr/lib/home-pi/update-return",
);

/** What comes with each image, and with the machine. */
export interface Setting {
  readonly folder: string;
  /** `/etc/home-pi/update.json` */
  readonly config: object;
  /** `/usr/share/home-pi/root.json` */
  readonly trusted: Uint8Array;
  readonly state: State;
  /** The release whose units do not run, by its tag. */
  readonly bad?: string | undefined;
  /** The release that crashes some time after it was marked good. */
  readonly crashing?: string | undefined;
}

/** What looks on. */
export interface Watch {
  readonly onStart: (slot: SlotName) => Promise<void>;
  readonly onActivate: (slot: SlotName) => void;
  readonly onInstall: (tag: string) => void;
  /** A program of the updater has ended, in whatever way. */
  readonly onEnd: () => Promise<void>;
}

/**
 * A node on which the updater runs in this process, as the units of its image start it (ansible/roles/updater, health).
 * All it does to the machine passes through `effects`. Files lie below a folder, a new one for each start; a cut or a
 * kill leaves the copy that was made at that moment, whatever a program that is not there any more still does.
 */
export class SimulatedNode {
  readonly effects: Effects;
  readonly card: Card;
  readonly watch: Watch;
  readonly fault: Fault | undefined;
  readonly said: string[] = [];
  places: Places;
  starts = 0;
  now = Date.now();
  rauc: SimulatedRauc;
  readonly #setting: Setting;
  #root: string;
  #roots = 0;
  #booted: SlotName = "A";
  #restarts = false;

  constructor(setting: Setting, card: Card, watch: Watch, fault?: Fault) {
    [this.#setting, this.card, this.watch, this.fault] = [setting, card, watch, fault];
    this.#root = this.#newRoot();
    this.places = placesOf(this.#root);
    this.effects = new Effects(fault, (kind) => this.#leaveCopy(kind === "cut" ? ["data"] : ["."]));
    this.rauc = this.#newRauc();
  }

  /** What the card's data holds before the first start. */
  async prepare(): Promise<this> {
    await new StateFile(this.places.state).write(this.#setting.state);
    this.#watchWrites();
    return this;
  }

  #watchWrites(): void {
    const write = StateFile.prototype.write;
    const { effects } = this;
    vi.spyOn(StateFile.prototype, "write").mockImplementation(function (this: StateFile, next, healTime) {
      const fail = () => new UpdaterError("STATE", `${this.folder}: could not be written`);
      const effect = { name: "writes the state", asks: false, doer: "updater" } as const;
      return effects.pass(effect, fail, () => write.call(this, next, healTime));
    });
  }

  #newRoot(): string {
    this.#roots += 1;
    const root = join(this.#setting.folder, `root-${this.#roots}`);
    mkdirSync(root, { recursive: true });
    return root;
  }

  #newRauc(): SimulatedRauc {
    const { card, effects, watch } = this;
    return new SimulatedRauc({
      ...{ card, effects, booted: this.#booted },
      intended: () => this.places.intended,
      time: this,
      onActivate: watch.onActivate,
      onInstall: watch.onInstall,
    });
  }

  #leaveCopy(names: readonly string[]): void {
    const root = this.#newRoot();
    for (const name of names) cpSync(join(this.#root, name), join(root, name), { recursive: true });
    this.#enter(root);
  }

  #enter(root: string): void {
    this.#root = root;
    this.places = placesOf(root);
  }

  get #isDown(): boolean {
    return this.#restarts || this.effects.isDark;
  }

  async state(): Promise<State> {
    return (await new StateFile(this.places.state).read()).state;
  }

  get runs(): string | undefined {
    return this.card.tagIn(this.#booted);
  }

  /** Starts, and again, until the node stays up. */
  async up(): Promise<void> {
    do {
      this.starts += 1;
      if (this.starts > MOST_STARTS) throw new Error("the node starts again and again");
      await this.#start();
    } while (this.#isDown);
  }

  /**
   * A program of the updater, some time after what was before; where it, or what befalls it, ends in a start, until
   * the node is up again. Returns whether it ended well.
   */
  async does(work: (node: UpdaterNode) => Promise<unknown>): Promise<boolean> {
    this.now += SETTLED_AFTER_MS;
    await this.rauc.finish();
    const done = await this.#program(work);
    if (this.#isDown) await this.up();
    return done;
  }

  async #program(work: (node: UpdaterNode) => Promise<unknown>): Promise<boolean> {
    this.effects.begin();
    const { places, rauc } = this;
    const world = worldOf(this.effects, this, this.#run);
    const node: UpdaterNode = { world, places, bus: rauc, say: (line) => void this.said.push(line) };
    const done = await work(node).then(
      (result) => result !== false,
      (error: unknown) => {
        this.said.push(messageOf(error));
        return false;
      },
    );
    await this.watch.onEnd();
    return done;
  }

  async #start(): Promise<void> {
    await this.#shutDown();
    this.effects.begin(true);
    const boot = (): void => {
      this.#booted = this.card.choose();
    };
    const reset = (): void => {
      this.#restarts = true;
    };
    // Whatever goes wrong in the script ends in one.
    await this.#machine("boot script", boot).catch(reset);
    if (this.#isDown) return;
    this.#readyFiles();
    this.rauc = this.#newRauc();
    await this.watch.onStart(this.#booted);
    const isMarked = await this.#judge();
    if (isMarked) await this.#program(commit);
    const crashes = this.runs === this.#setting.crashing;
    if (crashes && !this.#isDown) return this.effects.cut();
    if (!isMarked) return;
    this.now += SETTLED_AFTER_MS;
    for (let attempts = 0; attempts < ATTEMPTS && !this.#isDown; attempts += 1)
      if (await this.#program(settled)) return;
  }

  /** Whether this start is marked good. */
  async #judge(): Promise<boolean> {
    const passed = await this.#program((node) =>
      runGate(gateNode(node), { ...limits, steadyMs: limits.pollMs }),
    );
    if (!passed && !this.effects.isDark) this.#return();
    return passed && !this.#isDown && (await this.#markGood());
  }

  /** A shutdown is noted down where a new build is not trusted yet, as note-shutdown does it. */
  async #shutDown(): Promise<void> {
    if (this.#restarts && existsSync(this.places.bootId) && (await this.state()).settling !== undefined)
      appendFileSync(this.places.shutDowns, readFileSync(this.places.bootId, "utf8"));
    this.#restarts = false;
  }

  /** Data is that of the boot before, the rest is of this one. */
  #readyFiles(): void {
    const root = this.#newRoot();
    renameSync(join(this.#root, "data"), join(root, "data"));
    this.#enter(root);
    const { places } = this;
    const tag = this.runs ?? "";
    const build = { cluster: "home", profile: "agent", board: "rpi-arm64", buildId: buildIdOf(tag) };
    const put = (path: string, content: string | Uint8Array): void => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    };
    put(places.build, JSON.stringify(build));
    put(places.trustedRoot, this.#setting.trusted);
    put(places.config, JSON.stringify(this.#setting.config));
    put(places.dataState, JSON.stringify({ state: "ok", reason: "" }));
    put(places.commandLine, `rauc.slot=${this.#booted}`);
    put(places.bootId, `boot-${this.starts}\n`);
    put(places.synchronized, "");
    if (tag === this.#setting.bad) put(places.healthSays, "k3s does not run\n");
  }

  #machine(name: string, work: () => void): Promise<void> {
    const fail = () => new Error(`${name} did not work`);
    return this.effects.pass({ name, asks: false, doer: "machine" }, fail, work);
  }

  /** What runs where the gate has failed: home-pi-update-return.service, the real one. */
  #return(): void {
    if (this.#restarts || existsSync(this.places.markedGood)) return;
    const restart = join(this.#root, "restart");
    const program =
      'import runpy,sys; runpy.run_path(sys.argv[1])["main"](*sys.argv[2:5],("touch",sys.argv[5]))';
    const { state, build, leaving } = this.places;
    const args = [UPDATE_RETURN, state, build, leaving, restart];
    const { status, stderr } = spawnSync("python3", ["-B", "-c", program, ...args], { encoding: "utf8" });
    if (status !== 0) throw new Error(`update-return: ${stderr}`);
    this.said.push(stderr.trim());
    this.#restarts = existsSync(restart);
  }

  async #markGood(): Promise<boolean> {
    const mark = () => this.card.set(`BOOT_${this.#booted}_LEFT`, "3");
    for (let attempts = 0; attempts < ATTEMPTS && !this.#isDown; attempts += 1) {
      const done = await this.#machine("mark-good", mark).then(
        () => true,
        () => false,
      );
      if (done) writeFileSync(this.places.markedGood, "");
      if (done) return true;
    }
    return false;
  }

  /** What a program says. */
  readonly #run = (argv: readonly string[]): string => {
    const [program, ...args] = argv;
    if (program === "fw_setenv") this.card.set(args[0] ?? "", args[1] ?? "");
    if (argv.join(" ") === "systemctl reboot") this.#restarts = true;
    if (args[0] !== "is-active") return "";
    return args[1] === UNITS.gate && this.runs === this.#setting.bad ? "failed" : "active";
  };
}
