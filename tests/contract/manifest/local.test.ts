import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { acquireLock } from "../../../lib/external/lock.ts";
import { processes } from "../../../lib/external/process.ts";
import { auditHome } from "../../../lib/manifest/audit.ts";
import { planChange } from "../../../lib/manifest/carry-out.ts";
import { localHome } from "../../../lib/manifest/local-home.ts";
import { addRelease } from "../../../lib/manifest/repository/targets.ts";
import { choices, exampleRelease, rootOf, START, signersOf } from "../../unit/manifest/example.ts";

const folder = mkdtempSync(join(tmpdir(), "manifest-local-"));
const store = join(folder, "store");
const trusted = rootOf();
const homeOf = (signal = new AbortController().signal) => localHome({ store, world: { processes, signal } });
const planned = (tag: string, signal?: AbortSignal) =>
  planChange({
    home: homeOf(signal),
    trustedRoot: trusted,
    message: `Release ${tag}`,
    plan: (state) => addRelease(state, exampleRelease(tag), choices, { signers: signersOf(), now: START }),
  });

beforeEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a folder as the home of a manifest", () => {
  it("refuses a change that was planned on what is not there any more", async () => {
    const home = homeOf();
    const before = await home.read();
    await (await planned("v1.0.0")).carryOut();
    const change = {
      lines: [],
      writes: [{ path: "1.targets.json", content: Buffer.from("{}") }],
      removes: [],
    };
    await expect(home.publish(before, change, "late")).rejects.toMatchObject({ code: "REMOTE_MOVED" });
    auditHome((await home.read()).files, trusted);
  });

  it("takes the changes of several runs at once, one after the other", async () => {
    const tags = ["v1.0.0", "v1.1.0", "v1.2.0"];
    const plans = await Promise.all(tags.map((tag) => planned(tag)));
    await Promise.all(plans.map((plan) => plan.carryOut()));
    const state = auditHome((await homeOf().read()).files, trusted);
    expect(state.channels.stable?.release).toBe("v1.2.0");
    const targets = Object.keys(state.targets?.signed.targets ?? {});
    expect(targets.filter((path) => path.endsWith("release.json"))).toHaveLength(3);
    expect(state.timestamp?.signed.version).toBe(3);
  });

  it("writes nothing that nobody asks for: the same again changes no file", async () => {
    await (await planned("v1.0.0")).carryOut();
    const { revision } = await homeOf().read();
    const again = await planned("v1.0.0");
    expect(again).toMatchObject({ empty: true, lines: ["nothing changes"] });
    await again.carryOut();
    expect((await homeOf().read()).revision).toBe(revision);
  });

  it("that is none says where and what to do", async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(store, "a file");
    await expect(planned("v1.0.0").then((plan) => plan.carryOut())).rejects.toMatchObject({
      code: "HOME",
      message: expect.stringContaining(join(store, "manifest")),
      fix: expect.stringContaining("a folder you may write to"),
    });
  });

  it("that another run writes to is waited for until the run is stopped", async () => {
    const stop = new AbortController();
    const plan = await planned("v1.0.0", stop.signal);
    mkdirSync(store, { recursive: true });
    const lock = await acquireLock(processes, {
      file: join(store, ".manifest.lock"),
      mode: "exclusive",
      waitMs: 0,
    });
    const ended = expect(plan.carryOut()).rejects.toMatchObject({ code: "INTERRUPTED" });
    setTimeout(() => stop.abort(), 200);
    await ended;
    await lock?.release();
    await (await planned("v1.0.0")).carryOut();
    auditHome((await homeOf().read()).files, trusted);
  });
});
