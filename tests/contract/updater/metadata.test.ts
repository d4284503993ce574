import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { folderSource } from "../../../lib/external/source.ts";
import { rotate } from "../../../lib/manifest/repository/rotate.ts";
import { refreshMetadata } from "../../../updater/metadata.ts";
import { StateFile } from "../../../updater/state/file.ts";
import { emptyState, type State } from "../../../updater/state/record.ts";
import { Bench, daysOn, keyCalled, START, signersOf } from "../../unit/manifest/example.ts";

const parent = mkdtempSync(join(tmpdir(), "updater-metadata-"));
afterAll(() => rmSync(parent, { recursive: true, force: true }));
let folder = "";
let home = "";
beforeEach(() => {
  folder = mkdtempSync(join(parent, "node-"));
  home = mkdtempSync(join(parent, "home-"));
});

function publish(bench: Bench): void {
  rmSync(home, { recursive: true, force: true });
  for (const [name, content] of bench.files) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), content);
  }
}
const first = () => new Bench().release("v1.0.0");
const refresh = (bench: Bench, floors: Partial<State["floors"]> = {}, now = START) =>
  refreshMetadata({
    ...{ folder, source: folderSource(home), trustedRoot: bench.trusted, now },
    floors: { ...emptyState.floors, ...floors },
  });
const kept = (): string[] => readdirSync(folder).sort();

describe("the metadata a node keeps", () => {
  it("is read into a new folder, which a link then points at; the one before stays", async () => {
    const bench = first();
    publish(bench);
    for (let at = 1; at <= 3; at += 1) {
      const opened = await refresh(bench);
      expect(opened.channels.stable?.release).toBe("v1.0.0");
      expect(readlinkSync(join(folder, "metadata"))).toBe(`metadata.${at}`);
    }
    expect(kept()).toEqual(["metadata", "metadata.2", "metadata.3"]);
  });

  it("stays as it was where the new one is wrong", async () => {
    const bench = first();
    publish(bench);
    await refresh(bench);
    publish(bench.release("v1.1.0"));
    const name = readdirSync(home).find((one) => /^2\.targets/.test(one)) ?? "";
    writeFileSync(join(home, name), "{}");
    await expect(refresh(bench)).rejects.toMatchObject({ code: "FILE" });
    expect(kept()).toEqual(["metadata", "metadata.1"]);
    publish(bench);
    expect((await refresh(bench)).channels.stable?.release).toBe("v1.1.0");
  });

  it.each([
    ["root.json", ""],
    ["root.json", "{"],
    ["timestamp.json", ""],
    ["snapshot.json", "{}"],
    ["targets.json", "x"],
  ])("heals from the image's root when %s holds %j", async (name, content) => {
    const bench = first();
    publish(bench);
    await refresh(bench);
    writeFileSync(join(folder, "metadata", name), content);
    expect((await refresh(bench)).channels.stable?.release).toBe("v1.0.0");
  });

  it("is held against floors of its own when all of it is lost", async () => {
    const bench = first();
    publish(bench);
    const { versions } = await refresh(bench);
    rmSync(folder, { recursive: true });
    await expect(refresh(bench, { timestamp: versions.timestamp + 1 })).rejects.toMatchObject({
      code: "ROLLBACK",
      message: "timestamp.json: version 1, and 2 was seen before",
    });
    await expect(refresh(bench, { targets: versions.targets + 1 })).rejects.toMatchObject({
      code: "ROLLBACK",
    });
    expect((await refresh(bench, versions)).versions).toEqual(versions);
  });

  it("follows new roots, and a key that was changed lets its versions begin anew", async () => {
    const bench = first();
    publish(bench);
    const { versions, keys } = await refresh(bench);
    const stolen = { ...emptyState.floors, ...versions, keys, timestamp: 1_000_000 };
    const next = { keys: [keyCalled("online-2")], threshold: 1 };
    bench.at(0, signersOf({ online: ["online-1", "online-2"] }));
    bench.do((state, signing) => rotate(state, { role: "online", next }, signing).change);
    publish(bench);
    // As after somebody who had the old key signed the numbers away.
    const opened = await refresh(bench, stolen);
    expect(opened.versions.root).toBeGreaterThan(versions.root);
    // Cut off before the new floors were written down, and read once more.
    await refresh(bench, stolen);
    const state = new StateFile(folder);
    await state.write({ ...emptyState, floors: stolen });
    const { floors } = await state.write({
      ...emptyState,
      floors: { ...stolen, ...opened.versions, keys: opened.keys },
    });
    expect(floors.timestamp).toBe(opened.versions.timestamp);
    await refresh(bench, floors);
    await expect(refresh(bench, { ...floors, timestamp: 1_000_000 })).rejects.toMatchObject({
      code: "ROLLBACK",
    });
  });

  it("is refused when it is out of date, and by nothing else than its own date", async () => {
    const bench = first();
    publish(bench);
    await expect(refresh(bench, {}, daysOn(31))).rejects.toMatchObject({ code: "EXPIRED" });
    publish(bench.at(20, signersOf()).release("v1.1.0"));
    expect((await refresh(bench, {}, daysOn(31))).channels.stable?.release).toBe("v1.1.0");
  });

  it("is the old or the new one when its reader is killed at any moment, and the next run finishes", async () => {
    const bench = first();
    publish(bench);
    const trusted = join(parent, "root.json");
    writeFileSync(trusted, bench.trusted);
    await refresh(bench);
    publish(bench.release("v1.1.0"));
    const kinds: (string | null)[] = [];
    for (let at = 1; at <= 4; at += 1) {
      const more = JSON.stringify({ home, trusted, now: START.getTime() });
      const script = join(import.meta.dirname, "dying-updater.ts");
      const done = spawnSync(process.execPath, [script, "metadata", folder, String(at), more], {
        encoding: "utf8",
      });
      kinds.push(done.signal);
      const names = readdirSync(join(folder, "metadata")).sort();
      expect(names).toEqual(["root.json", "snapshot.json", "targets.json", "timestamp.json"]);
      for (const name of names) JSON.parse(readFileSync(join(folder, "metadata", name), "utf8"));
      expect((await refresh(bench)).channels.stable?.release).toBe("v1.1.0");
      expect(kept()).toHaveLength(3);
    }
    expect(kinds).toEqual(["SIGKILL", "SIGKILL", "SIGKILL", null]);
  });
});
