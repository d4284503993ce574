import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { decodeCopy, encodeCopy, StateFile } from "../../../updater/state/file.ts";
import { emptyState, type State } from "../../../updater/state/record.ts";
import { committed } from "../../unit/updater/example.ts";

const parent = mkdtempSync(join(tmpdir(), "updater-state-"));
afterAll(() => rmSync(parent, { recursive: true, force: true }));
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(parent, "s-"));
});
const withReturns = (returns: number): State => ({ ...committed, returns });

describe("the updater's state", () => {
  it("is empty at first, and nothing is said to be lost", async () => {
    expect(await new StateFile(folder).read()).toEqual({ state: emptyState, lost: undefined });
  });

  it("is written to two files in turn; the last one counts", async () => {
    const file = new StateFile(folder);
    for (const returns of [1, 2, 3]) await file.write(withReturns(returns));
    expect((await file.read()).state.returns).toBe(3);
    const turns = readdirSync(folder).map(
      (name) => decodeCopy(readFileSync(join(folder, name), "utf8"))?.turn,
    );
    expect(turns.sort()).toEqual([2, 3]);
  });

  it("torn or changed at any byte, is the one before", async () => {
    const file = new StateFile(folder);
    await file.write(withReturns(1));
    await file.write(withReturns(2));
    const newest = join(folder, "state-2.json");
    const whole = readFileSync(newest);
    expect(whole.length).toBeGreaterThan(200);
    for (let at = 0; at < whole.length; at += 1) {
      const flipped = Buffer.from(whole);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
      expect(decodeCopy(flipped.toString("latin1")), `byte ${at}`).toBeUndefined();
      expect(decodeCopy(whole.subarray(0, at).toString("utf8")), `cut at ${at}`).toBeUndefined();
    }
    for (const at of [0, 1, 64, 65, 66, 200, whole.length - 1]) {
      writeFileSync(newest, whole);
      truncateSync(newest, at);
      expect((await file.read()).state.returns).toBe(1);
      await file.write(withReturns(5));
      expect((await file.read()).state.returns, `written again after a cut at ${at}`).toBe(5);
      await file.write(withReturns(1));
      await file.write(withReturns(2));
      rmSync(join(folder, "state-1.json"));
      writeFileSync(join(folder, "state-1.json"), encodeCopy(1, withReturns(1)));
    }
  });

  it("says that it was lost where both files are damaged, and begins anew", async () => {
    writeFileSync(join(folder, "state-1.json"), "");
    writeFileSync(join(folder, "state-2.json"), "x".repeat(100));
    const file = new StateFile(folder);
    expect(await file.read()).toMatchObject({ state: emptyState, lost: expect.stringContaining("damaged") });
    await file.write(withReturns(1));
    expect(await file.read()).toEqual({ state: withReturns(1), lost: undefined });
  });

  it("keeps its floors, and lets only a healed clock go back", async () => {
    const file = new StateFile(folder);
    const floors = { root: 2, timestamp: 9, snapshot: 8, targets: 7, serial: 6, lastKnownTime: 500 };
    await file.write({ ...emptyState, floors });
    expect((await file.write(emptyState)).floors).toEqual(floors);
    const healed = { ...emptyState, floors: { ...emptyState.floors, lastKnownTime: 100 } };
    expect((await file.write(healed, true)).floors).toEqual({ ...floors, lastKnownTime: 100 });
  });

  it("does not take what is whole and is none of ours", () => {
    const body = `${JSON.stringify({ turn: 1, state: { format: 2 } })}\n`;
    expect(decodeCopy(encodeCopy(1, emptyState))).toBeDefined();
    expect(decodeCopy(`${"0".repeat(64)}\n${body}`)).toBeUndefined();
  });

  it("is the old one or the new one when its writer is killed, and can be written again", async () => {
    const run = (at: number) =>
      spawnSync(
        process.execPath,
        [join(import.meta.dirname, "dying-updater.ts"), "state", folder, String(at)],
        {
          encoding: "utf8",
        },
      );
    const file = new StateFile(folder);
    await file.write(withReturns(0));
    const seen: number[] = [];
    for (let at = 1; ; at += 1) {
      const done = run(at);
      seen.push((await file.read()).state.returns);
      if (done.signal === null) break;
      await file.write(withReturns(0));
    }
    expect(seen).toEqual([0, 1, 1]);
  });

  it("fails by name where data cannot be written", async () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "a file in the folder's place");
    await expect(new StateFile(folder).write(emptyState)).rejects.toMatchObject({ code: "STATE" });
  });
});
