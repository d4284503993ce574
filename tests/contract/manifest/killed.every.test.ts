import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type Processes, processes, type RunningProcess } from "../../../lib/external/process.ts";
import { auditHome } from "../../../lib/manifest/audit.ts";
import { planChange } from "../../../lib/manifest/carry-out.ts";
import type { Checkpoint, ManifestHome } from "../../../lib/manifest/home.ts";
import { localHome } from "../../../lib/manifest/local-home.ts";
import { filesAfter } from "../../../lib/manifest/repository/change.ts";
import { type ManifestFiles, openState } from "../../../lib/manifest/repository/state.ts";
import { rootOf, START } from "../../unit/manifest/example.ts";
import { type Change, changes } from "./changes.ts";
import { fork, lay, ours, type Reading } from "./readers.ts";

const trusted = rootOf();
const folder = mkdtempSync(join(tmpdir(), "manifest-killed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Real processes that can be ended as the kernel ends them with their parent. */
function mortal(): { readonly processes: Processes; end(): Promise<void> } {
  const running: RunningProcess[] = [];
  return {
    processes: {
      run: processes.run,
      start: (command, onData) => {
        const started = processes.start(command, onData);
        running.push(started);
        return started;
      },
    },
    end: async () => void (await Promise.all(running.map((one) => one.stop(0)))),
  };
}

type MakeHome = (world: { readonly processes: Processes }, checkpoint?: Checkpoint) => ManifestHome;

async function carryOut(home: ManifestHome, { name, plan }: Change): Promise<void> {
  await (await planChange({ home, trustedRoot: trusted, message: name, plan })).carryOut();
}

/** Runs a change and abandons it at its `point`th step, for good; undefined where it has no such step. */
async function killedAt(make: MakeHome, change: Change, point: number): Promise<string | undefined> {
  const world = mortal();
  let seen = 0;
  const dead = new Promise<string>((resolve) => {
    const checkpoint: Checkpoint = (name) => {
      // Behind one step is before the next.
      if (name.startsWith("behind") || seen++ < point) return;
      resolve(name);
      return new Promise(() => undefined);
    };
    const home = make(world, checkpoint);
    void carryOut(home, change).then(() => resolve(""));
  });
  const name = await dead;
  await world.end();
  return name === "" ? undefined : name;
}

const store = join(folder, "store");
const manifest = join(store, "manifest");
const local: MakeHome = (world, checkpoint) =>
  localHome({
    store,
    world: { processes: world.processes, signal: new AbortController().signal },
    ...(checkpoint === undefined ? {} : { checkpoint }),
  });

const release = (reading: Reading): string =>
  "error" in reading ? reading.error : JSON.stringify(reading.channels);
const read = (memory: string): Promise<Reading> => ours.read({ manifest, memory, trusted, now: START });

/** The states before and behind each change, as they are when nothing goes wrong. */
function lives(): {
  readonly change: Change;
  readonly before: ManifestFiles;
  readonly after: ManifestFiles;
}[] {
  let before: ManifestFiles = new Map();
  return changes.map((change) => {
    const after = filesAfter(before, change.plan(openState(before, trusted)));
    const life = { change, before, after };
    before = after;
    return life;
  });
}

describe("a manifest in a folder, its writer killed at every step", () => {
  // The releases in between are like the others: they are there so that old versions have to go.
  const tried = lives().filter(({ change }) => !/v1\.1\.[0-7]$/.test(change.name));

  it.each(tried.map((life) => ({ ...life, name: life.change.name })))(
    "$name",
    async ({ change, before, after }) => {
      const memory = join(folder, "memory");
      rmSync(memory, { recursive: true, force: true });
      lay(manifest, before);
      const old = before.size === 0 ? undefined : release(await read(memory));
      lay(manifest, after);
      const fresh = release(await read(join(folder, "fresh")));
      rmSync(join(folder, "fresh"), { recursive: true, force: true });
      let points = 0;
      for (; ; points += 1) {
        lay(manifest, before);
        const name = await killedAt(local, change, points);
        if (name === undefined) break;
        const forked = fork(memory, join(folder, `memory-${points}`));
        const seen = release(await read(forked));
        if (old === undefined && /^ABSENT: timestamp.json: /.test(seen)) expect(name).toMatch(/^before /);
        else expect([old, fresh], name).toContain(seen);
        await carryOut(local({ processes }), change);
        expect(new Map((await local({ processes }).read()).files), name).toEqual(after);
        expect(release(await read(forked)), name).toBe(fresh);
        rmSync(forked, { recursive: true, force: true });
      }
      expect(points).toBeGreaterThanOrEqual(2);
      auditHome((await local({ processes }).read()).files, trusted);
    },
  );

  it("is free for the next run when its writer was killed by the kernel", async () => {
    const [life] = lives();
    if (life === undefined) throw new Error("no changes");
    lay(manifest, life.after);
    const argv = [join(import.meta.dirname, "dying-writer.ts"), store, "before timestamp.json"];
    expect(spawnSync(process.execPath, argv, { stdio: "inherit" }).signal).toBe("SIGKILL");
    const home = local({ processes });
    const half = (await home.read()).files;
    expect([...half.keys()]).toContain("2.targets.json");
    expect(half.get("timestamp.json")).toEqual(life.after.get("timestamp.json"));
    expect(await read(join(folder, "memory-killed"))).toMatchObject({ channels: { stable: "v1.0.0" } });
    const next = changes.find(({ name }) => name === "release v1.1.0");
    if (next === undefined) throw new Error("no such change");
    await carryOut(home, next);
    expect(await read(join(folder, "memory-killed"))).toMatchObject({ channels: { stable: "v1.1.0" } });
  });

  it("clears away the half of a file that a killed run left", async () => {
    const [life] = lives();
    if (life === undefined) throw new Error("no changes");
    lay(manifest, life.after);
    const half = join(manifest, "2.targets.json.tmp-4711-0123abcd");
    writeFileSync(half, '{"signatures":[');
    const home = local({ processes });
    expect([...(await home.read()).files.keys()].sort()).toEqual([...life.after.keys()].sort());
    const second = changes[1];
    if (second === undefined) throw new Error("no second change");
    await carryOut(home, second);
    auditHome((await home.read()).files, trusted);
    expect([...(await home.read()).files.keys()]).not.toContain("2.targets.json.tmp-4711-0123abcd");
  });
});
