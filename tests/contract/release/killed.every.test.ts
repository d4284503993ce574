import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Checkpoint } from "../../../lib/external/checkpoint.ts";
import { listTree, sha256OfFile } from "../../../lib/external/files.ts";
import { latestOf } from "../../../lib/release/local-layout.ts";
import type { WantedAsset } from "../../../lib/release/store.ts";
import { type FakeGithub, startGithub } from "../../../workbench/github/server.ts";
import { scratchFolder } from "../../unit/external/scratch-folder.ts";
import type { KilledPublisher } from "./killed-publisher.ts";
import { COMMIT, detailsOf, githubStoreOf, localStoreOf, publish, threeFiles } from "./scene.ts";

const scratch = scratchFolder();
const details = detailsOf("v1.0.0");
let files: WantedAsset[];
beforeEach(() => {
  mkdirSync(scratch.join("built"));
  files = threeFiles((name) => scratch.join("built", name));
});

/** One place to publish to, seen from outside. */
interface Stage {
  /** A run that never goes on after the point it is told, as if it were killed there. */
  runUntil(point: number): Promise<number>;
  run(): Promise<unknown>;
  killedChild(order: Partial<KilledPublisher>): Promise<unknown>;
  /** All of what is published, as text. */
  state(): Promise<string>;
  /** Throws where somebody could see a release that is not whole. */
  look(): void;
  close(): Promise<void>;
}

async function childThatDies(order: KilledPublisher): Promise<unknown> {
  const program = join(import.meta.dirname, "killed-publisher.ts");
  const child = spawn(process.execPath, [program, JSON.stringify(order)], { stdio: "inherit" });
  const [, signal] = await once(child, "close");
  return signal;
}

async function githubStage(): Promise<Stage> {
  const fake: FakeGithub = await startGithub();
  fake.repository.tags.set("v1.0.0", { commit: COMMIT, annotated: false });
  const look = (): void => {
    for (const { draft, assets } of fake.repository.releases) {
      if (draft) continue;
      const whole = assets.filter(({ state }) => state === "uploaded").map(({ name }) => name);
      expect(whole.sort()).toEqual(files.map(({ name }) => name).sort());
    }
  };
  const start = (checkpoint: Checkpoint) => publish(githubStoreOf(fake, { checkpoint }), details, files);
  return {
    look,
    runUntil: (point) =>
      new Promise((resolve, reject) => {
        let points = 0;
        const checkpoint = (): Promise<void> | undefined => {
          points += 1;
          look();
          if (points !== point) return undefined;
          resolve(points);
          return new Promise(() => undefined);
        };
        start(checkpoint).then(() => resolve(points), reject);
      }),
    run: () => start(look),
    killedChild: ({ ...order }) =>
      childThatDies({ ...order, files, github: { apiUrl: fake.apiUrl, token: fake.token } }),
    state: async () => {
      const releases = fake.repository.releases.map(({ id: _, assets, ...release }) => ({
        ...release,
        assets: assets.map(({ name, sha256, state }) => [name, sha256, state].join(" ")).sort(),
      }));
      return JSON.stringify([releases, fake.repository.latest, [...fake.repository.tags]]);
    },
    close: async () => {
      await fake.close();
      expect(fake.problems).toEqual([]);
      // No file that had arrived was sent again.
      expect(fake.exchanges.filter((line) => line.startsWith("upload") && line.endsWith("201"))).toHaveLength(
        files.length,
      );
    },
  };
}

class Killed extends Error {}

async function localStage(folder: string): Promise<Stage> {
  const released = join(folder, "releases", "v1.0.0");
  const look = (): void => {
    const names = readdirSync(join(folder, "releases")).filter((name) => !name.startsWith("."));
    if (names.length === 0) return;
    expect(readdirSync(released).sort()).toEqual([...files.map(({ name }) => name), "notes.md"].sort());
    for (const { name, bytes } of files) expect(readFileSync(join(released, name))).toHaveLength(bytes);
  };
  const start = (checkpoint: Checkpoint) => publish(localStoreOf(folder, { checkpoint }), details, files);
  return {
    look,
    runUntil: async (point) => {
      let points = 0;
      const checkpoint = (name: string): void => {
        points += 1;
        if (points > 1) look();
        if (points === point) throw new Killed(name);
      };
      await start(checkpoint).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
      return points;
    },
    run: () => start((name) => (name.startsWith("before mkdir") ? undefined : look())),
    killedChild: ({ ...order }) => childThatDies({ ...order, files, folder }),
    state: async () => {
      const tree = (await listTree(folder)).filter(({ kind }) => kind === "file");
      const digests = tree.map(async ({ path }) => `${path} ${await sha256OfFile(join(folder, path))}`);
      return JSON.stringify([await Promise.all(digests), await latestOf(folder)]);
    },
    close: async () => undefined,
  };
}

const stages: readonly (readonly [string, (name: string) => Promise<Stage>, number])[] = [
  ["GitHub", githubStage, 26],
  ["a folder", (name) => localStage(scratch.join(name)), 14],
];

const AT_ONCE = 6;

describe.each(stages)("a release to %s", (_, openStage, fewest) => {
  it("stopped at every point ends in the same state after the next run", async () => {
    const reference = await openStage("undisturbed");
    const points = await reference.runUntil(Number.POSITIVE_INFINITY);
    expect(points).toBeGreaterThanOrEqual(fewest);
    const goal = await reference.state();
    await reference.close();
    const one = async (point: number): Promise<void> => {
      const stage = await openStage(`stopped-${point}`);
      expect(await stage.runUntil(point)).toBe(point);
      await stage.run();
      expect([point, await stage.state()]).toEqual([point, goal]);
      await stage.close();
    };
    for (let from = 1; from <= points; from += AT_ONCE) {
      const batch = Array.from({ length: Math.min(AT_ONCE, points - from + 1) }, (__, at) => from + at);
      await Promise.all(batch.map(one));
    }
  });

  it("killed by the kernel, between two steps and in mid-file, does too", async () => {
    const reference = await openStage("undisturbed");
    const points = await reference.runUntil(Number.POSITIVE_INFINITY);
    const goal = await reference.state();
    await reference.close();
    const orders = [
      ...[0.3, 0.6, 0.95].map((share) => ({ point: Math.ceil(points * share) })),
      { byte: 256 * 1024 },
    ];
    const one = async (order: Partial<KilledPublisher>, at: number): Promise<void> => {
      const stage = await openStage(`killed-${at}`);
      expect(await stage.killedChild(order)).toBe("SIGKILL");
      stage.look();
      await stage.run();
      expect(await stage.state()).toBe(goal);
      await stage.close();
    };
    await Promise.all(orders.map(one));
  });
});
