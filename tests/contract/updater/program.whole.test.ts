import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MAX_INSTALL_ATTEMPTS } from "../../../updater/limits.ts";
import type { Status } from "../../../updater/report/status.ts";
import { StateFile } from "../../../updater/state/file.ts";
import { buildIdOf, Scene, slotOf } from "./scene.ts";

/** What a run may take of a node with 1 GB, in KiB. */
const MOST_KIB = 90 * 1024;
let scene: Scene;
beforeEach(async () => {
  scene = await new Scene().start();
});
afterEach(() => scene.stop());
const statusIn = (text: string) => JSON.parse(text) as Status;
const committed = () => scene.boot("boot-1", "A", buildIdOf("v1.0.0"));

describe("the updater as nodes run it", () => {
  it("commits the first build, names it, and finds the next release in little memory", async () => {
    const { gate, commit } = await committed();
    expect(gate).toMatchObject({ code: 0 });
    expect(commit?.stderr).toContain(`build ${buildIdOf("v1.0.0").slice(0, 12)} is committed`);
    expect(statusIn((await scene.run("check", "--json")).stdout)).toMatchObject({
      running: { version: "1.0.0", slot: "A" },
      committed: true,
      plan: "nothing",
      reason: "v1.0.0 runs, and it is what the channel stands at.",
    });
    scene.release("v1.1.0");
    const found = await scene.run("check", "--json");
    expect(statusIn(found.stdout)).toMatchObject({
      plan: "install",
      intended: "v1.1.0",
      serial: 1_000_000_999,
    });
    expect(found.peakKiB).toBeGreaterThan(20 * 1024);
    expect(found.peakKiB).toBeLessThan(MOST_KIB);
    process.stdout.write(`node-update check: ${Math.round(found.peakKiB / 1024)} MiB at most\n`);
    const shown = (await scene.run("status")).stdout;
    expect(shown).toMatch(/^running {6}v1\.0\.0 \(build [0-9a-f]{12}\), slot A, committed$/m);
    expect(shown).toMatch(/^next {9}v1\.1\.0 is newer than v1\.0\.0\.$/m);
    expect(readFileSync(join(scene.root, "run/home-pi/metrics/update.prom"), "utf8")).toMatch(
      /^home_pi_update_intended\{version="v1\.1\.0"\} 1$/m,
    );
  });

  it("installs, restarts, commits, and goes back when told to", async () => {
    await committed();
    scene.release("v1.1.0");
    writeFileSync(join(scene.programs, "next-slot"), slotOf("v1.1.0"));
    const run = await scene.run("run");
    expect(run.stderr).toContain("v1.1.0 is newer than v1.0.0.");
    expect(run.stderr).toContain("installed v1.1.0");
    expect(scene.log.filter((line) => /^fw_setenv|Mark ss|reboot/.test(line))).toEqual([
      "fw_setenv BOOT_ORDER A B",
      expect.stringContaining("Mark ss active other"),
      "systemctl reboot",
    ]);
    expect(run.peakKiB).toBeLessThan(MOST_KIB);
    expect(existsSync(join(scene.root, "run/home-pi/intended.json"))).toBe(false);
    const { commit } = await scene.boot("boot-2", "B", buildIdOf("v1.1.0"));
    expect(commit?.stderr).toContain("v1.1.0 is committed");
    const back = await scene.run("rollback", "--json");
    expect(back.code).toBe(0);
    expect(statusIn(back.stdout)).toMatchObject({ running: { version: "1.1.0" }, plan: "restart" });
    expect(scene.log.filter((line) => /Mark ss active|reboot/.test(line)).slice(-2)).toEqual([
      expect.stringContaining("active other"),
      "systemctl reboot",
    ]);
    expect((await scene.boot("boot-3", "A", buildIdOf("v1.0.0"))).commit?.stderr).toContain(
      "v1.0.0 is committed",
    );
    expect((await scene.run("run")).stderr).toContain("v1.1.0 failed here (a person went back from it)");
  });

  it("goes back also after a release that could not be read", async () => {
    await committed();
    scene.release("v1.1.0");
    writeFileSync(join(scene.programs, "next-slot"), slotOf("v1.1.0"));
    await scene.run("run");
    await scene.boot("boot-2", "B", buildIdOf("v1.1.0"));
    scene.release("v1.2.0");
    scene.portal = true;
    expect((await scene.run("run")).stderr).toContain("Failed to stream bundle");
    const back = await scene.run("rollback");
    expect(back.stderr).toContain("going back to v1.0.0");
    expect(back.code).toBe(0);
  });

  it("remembers a release that did not come up, and takes the next one", async () => {
    await committed();
    scene.release("v1.1.0");
    writeFileSync(join(scene.programs, "next-slot"), slotOf("v1.1.0"));
    await scene.run("run");
    await scene.boot("boot-2", "A", buildIdOf("v1.0.0"));
    // What the run before it said ("is installed and is to be tried") is past.
    expect(statusIn((await scene.run("status", "--json")).stdout)).toMatchObject({
      plan: "poll",
      lastFailed: { version: "v1.1.0" },
    });
    expect((await scene.run("run")).stderr).toContain("v1.1.0 failed here (v1.1.0 did not come up");
    scene.release("v1.1.1");
    expect((await scene.run("check")).stderr).toContain("install: v1.1.1 is newer than v1.0.0.");
  });

  it("downloads after two failed streams, and refuses a slot that reads back as another", async () => {
    await committed();
    scene.release("v1.1.0");
    writeFileSync(join(scene.programs, "next-slot"), slotOf("v1.0.0"));
    scene.program("curl", "#!/bin/sh\nexit 22\n");
    for (let at = 0; at < 2; at += 1) {
      const failed = await scene.run("run");
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain("Failed to stream bundle");
    }
    const wrong = await scene.run("run");
    expect(wrong.stderr).toContain("reads back as");
    expect(scene.log.filter((line) => /Mark ss|^fw_setenv/.test(line))).toEqual([]);
    const asked = () => scene.asked.filter((path) => path.endsWith(".raucb")).length;
    const before = asked();
    writeFileSync(join(scene.programs, "next-slot"), slotOf("v1.1.0"));
    // What was downloaded is still there.
    expect((await scene.run("run")).stderr).toContain("installed v1.1.0: 0 bytes downloaded");
    expect(asked()).toBe(before);
    expect(before).toBeGreaterThan(0);
    expect(scene.log).toContain("systemctl reboot");
  });

  it("commits by the next run what was marked good and could not be written down", async () => {
    const first = buildIdOf("v1.0.0");
    expect((await scene.boot("boot-1", "A", first, "not committed")).gate).toMatchObject({ code: 0 });
    expect(statusIn((await scene.run("status", "--json")).stdout)).toMatchObject({
      committed: false,
      alarm: true,
      reason: "The running build has passed its gate, and that could not be written down yet.",
    });
    const run = await scene.run("run");
    expect(run.stderr).toContain(`build ${first.slice(0, 12)} is committed`);
    expect(statusIn((await scene.run("status", "--json")).stdout)).toMatchObject({ committed: true });
  });

  it("forgets what a person wished of a run that was killed", async () => {
    await committed();
    scene.release("v1.1.0");
    scene.put("etc/home-pi/update.json", scene.config({ mode: "off" }));
    await new StateFile(join(scene.root, "data/update")).change((state) => ({
      ...state,
      wish: { version: "1.1.0", older: true },
    }));
    expect((await scene.run("run")).stderr).toContain("Updates are off");
    expect(scene.log.join()).not.toContain("InstallBundle");
  });

  it("shows in its status what went wrong, whatever it was", async () => {
    await committed();
    rmSync(join(scene.root, "usr/share/home-pi/root.json"));
    expect((await scene.run("run")).code).toBe(1);
    expect(statusIn((await scene.run("status", "--json")).stdout)).toMatchObject({
      ...{ committed: true, alarm: true },
      reason: expect.stringMatching(/ENOENT.*; the next run tries again\.$/),
    });
  });

  it("says so loudly when the channel was not reached for days", async () => {
    await committed();
    await scene.run("check");
    const gone = "http://127.0.0.1:9/manifest/";
    scene.put("etc/home-pi/update.json", scene.config({ address: gone }));
    expect(statusIn((await scene.run("check", "--json")).stdout)).toMatchObject({ alarm: false });
    await new StateFile(join(scene.root, "data/update")).change((state) => ({
      ...state,
      lastCheck: Date.now() - 4 * 86_400_000,
    }));
    expect(statusIn((await scene.run("check", "--json")).stdout)).toMatchObject({
      ...{ alarm: true, reason: expect.stringContaining("gives no time to hold it against") },
    });
  });

  it("stays with what it runs where going back cannot be begun", async () => {
    await committed();
    scene.release("v1.1.0");
    writeFileSync(join(scene.programs, "next-slot"), slotOf("v1.1.0"));
    await scene.run("run");
    await scene.boot("boot-2", "B", buildIdOf("v1.1.0"));
    scene.program("busctl", "#!/bin/sh\nexit 1\n");
    expect((await scene.run("rollback")).code).toBe(1);
    const { state } = await new StateFile(join(scene.root, "data/update")).read();
    expect([state.trial, state.failed, state.previous?.version]).toEqual([undefined, [], "1.0.0"]);
  });

  it("takes a release after any number of runs that could not read it", async () => {
    await committed();
    scene.release("v1.1.0");
    writeFileSync(join(scene.programs, "next-slot"), slotOf("v1.1.0"));
    scene.portal = true;
    for (let runs = 0; runs <= MAX_INSTALL_ATTEMPTS; runs += 1) {
      const failed = await scene.run("run");
      expect(failed.code, `run ${runs}`).toBe(1);
      expect(failed.stderr, `run ${runs}`).toMatch(/Failed to stream bundle|answered with a page/);
    }
    scene.portal = false;
    expect((await scene.run("run")).stderr).toContain("installed v1.1.0");
  });

  it("gives a release up that RAUC ends each time", async () => {
    await committed();
    scene.release("v1.1.0");
    writeFileSync(join(scene.programs, "next-slot"), slotOf("v1.0.0"));
    for (let runs = 0; runs < MAX_INSTALL_ATTEMPTS; runs += 1) {
      expect((await scene.run("run")).stderr, `run ${runs}`).toContain("reads back as");
    }
    expect((await scene.run("run")).stderr).toContain("it could not be installed 5 times");
    expect((await scene.run("run")).stderr).toContain("a newer version is waited for");
    scene.release("v1.1.1");
    expect((await scene.run("check")).stderr).toContain("install: v1.1.1 is newer than v1.0.0.");
  });

  it("does what a person asks for, and nothing more", async () => {
    await committed();
    scene.release("v1.1.0");
    scene.put("etc/home-pi/update.json", scene.config({ mode: "ask" }));
    expect((await scene.run("run")).stderr).toContain("v1.1.0 is there; node-update accept installs it.");
    expect((await scene.run("pause")).stdout).toContain("Updates are paused");
    expect((await scene.run("run")).stderr).toContain("paused");
    const older = await scene.run("install", "--version", "v0.9.0");
    expect(older.stderr).toMatch(/v0\.9\.0 .*(not name it|--older)/);
    writeFileSync(join(scene.programs, "next-slot"), slotOf("v1.1.0"));
    await scene.run("pause", "--off");
    expect((await scene.run("accept")).stderr).toContain("installed v1.1.0");
  });

  it("waits for its window, and is woken when that opens", async () => {
    await committed();
    scene.release("v1.1.0");
    const hour = (hours: number) => `${String((new Date().getUTCHours() + hours) % 24).padStart(2, "0")}:00`;
    scene.put("etc/home-pi/update.json", scene.config({ window: `${hour(3)}-${hour(4)} UTC` }));
    expect((await scene.run("run")).stderr).toContain("v1.1.0 waits for the update window, open from");
    const wake = scene.log.find((line) => line.startsWith("systemd-run")) ?? "";
    expect(wake).toContain(`${hour(3)}:00 UTC`);
    expect(wake).toMatch(/systemctl start --no-block home-pi-update\.service$/);
  });

  it("killed at any moment, goes on with the next run", async () => {
    await committed();
    scene.release("v1.1.0");
    writeFileSync(join(scene.programs, "next-slot"), slotOf("v1.1.0"));
    const moments = [/timestamp\.json$/, /snapshot\.json$/, /release\.json$/, /\.raucb$/];
    for (const moment of [...moments, /\.raucb$/]) {
      const child = scene.spawn(["run"]);
      const ended = new Promise<string | null>((resolve) =>
        child.on("close", (_, signal) => resolve(signal)),
      );
      scene.onAsked = (path) => moment.test(path) && child.kill("SIGKILL");
      expect(await ended, String(moment)).toBe("SIGKILL");
      scene.onAsked = undefined;
      // Nobody else was at work: its lock went with it.
      const now = statusIn((await scene.run("status", "--json")).stdout);
      expect(now).toMatchObject({ committed: true, running: { slot: "A" } });
      expect(now.lastFailed).toBeUndefined();
    }
    expect((await scene.run("run")).stderr).toContain("v1.1.0 is installed and is to be tried.");
  });

  it("says why where nothing can be done, and heals", async () => {
    await committed();
    scene.release("v1.1.0");
    const config = scene.config({});
    scene.put("etc/home-pi/update.json", scene.config({ address: "http://127.0.0.1:9/manifest/" }));
    expect((await scene.run("check")).stderr).toContain(
      "The clock is not trusted: 127.0.0.1:9 gives no time to hold it against",
    );
    scene.put("run/home-pi/data.json", { state: "tmpfs", reason: "superblock" });
    expect((await scene.run("check")).stderr).toContain("in memory only (superblock)");
    expect(readFileSync(join(scene.root, "run/motd.d/20-home-pi-update"), "utf8")).toContain("superblock");
    scene.put("run/home-pi/data.json", { state: "ok", reason: "" });
    scene.put("etc/home-pi/update.json", config);
    expect((await scene.run("check")).stderr).toContain("v1.1.0 is newer");
    expect(existsSync(join(scene.root, "run/motd.d/20-home-pi-update"))).toBe(true);
    expect((await scene.run("dance")).code).toBe(2);
    expect((await scene.run("--help")).stdout).toContain("usage: node-update");
  });
});
