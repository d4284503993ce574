import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Status } from "../../../updater/report/status.ts";
import { StateFile } from "../../../updater/state/file.ts";
import { buildIdOf, Scene, slotOf } from "./scene.ts";

let scene: Scene;
/** v1.1.0 was committed in boot 2, after v1.0.0. */
beforeEach(async () => {
  scene = await new Scene().start();
  await scene.boot("boot-1", "A", buildIdOf("v1.0.0"));
  scene.release("v1.1.0");
  writeFileSync(join(scene.programs, "next-slot"), slotOf("v1.1.0"));
  await scene.run("run");
  expect((await boot(2)).commit?.stderr).toContain("v1.1.0 is committed");
});
afterEach(() => scene.stop());

const boot = (number: number) => scene.boot(`boot-${number}`, "B", buildIdOf("v1.1.0"));
const stateOf = async () => (await new StateFile(join(scene.root, "data/update")).read()).state;
const shutDowns = () => join(scene.root, "data/update/shut-downs");
const statusIn = (text: string) => JSON.parse(text) as Status;

describe("a release that passed its gate", () => {
  it("and crashes on each start is left after the third, for the one before it", async () => {
    for (const number of [3, 4]) expect((await boot(number)).gate).toMatchObject({ code: 0 });
    const quiet = statusIn((await scene.run("status", "--json")).stdout);
    expect(quiet).toMatchObject({ committed: true, alarm: false });
    const { gate } = await boot(5);
    expect(gate.code).toBe(1);
    expect(gate.stderr).toMatch(/v1\.1\.0: it passed .* crashed .* 3 times .*; going back to v1\.0\.0/);
    const steps = scene.log.filter((line) => /^fw_setenv|Mark ss active|reboot/.test(line));
    expect(steps.slice(-3)).toEqual([
      "fw_setenv BOOT_B_LEFT 0",
      expect.stringContaining("active other"),
      "systemctl reboot",
    ]);
    const { commit } = await scene.boot("boot-6", "A", buildIdOf("v1.0.0"));
    expect(commit?.stderr).toContain("v1.0.0 is committed");
    expect((await scene.run("run")).stderr).toContain("v1.1.0 failed here (it passed its gate");
    const status = statusIn((await scene.run("status", "--json")).stdout);
    expect(status).toMatchObject({ running: { version: "1.0.0" }, lastFailed: { version: "v1.1.0" } });
    expect((await scene.run("rollback")).stderr).toContain("holds no build that ran before");
    scene.release("v1.1.1");
    expect((await scene.run("check")).stderr).toContain("install: v1.1.1 is newer than v1.0.0.");
  });

  it("is trusted once it was up for long, whatever ends it then", async () => {
    await boot(3);
    writeFileSync(shutDowns(), "boot-2\n");
    expect((await stateOf()).settling?.crashes).toBe(1);
    const said = await scene.run("settled");
    expect(said.stderr).toContain("v1.1.0 was up for long enough: it is trusted");
    expect((await stateOf()).settling).toBeUndefined();
    expect(existsSync(shutDowns())).toBe(false);
    const before = await stateOf();
    for (const number of [4, 5, 6, 7]) expect((await boot(number)).gate).toMatchObject({ code: 0 });
    expect(await stateOf()).toEqual(before);
    expect(await scene.run("settled")).toMatchObject({ code: 0, stderr: "" });
  });

  it("is not trusted by a start that was not marked good", async () => {
    rmSync(join(scene.root, "run/home-pi/marked-good"));
    expect((await scene.run("settled")).code).toBe(0);
    expect((await stateOf()).settling).toBeDefined();
  });

  it("is kept where its starts ended with a shutdown, as noted down or only in part", async () => {
    writeFileSync(shutDowns(), "boot-2\nboot-3\nboot-4\nboo");
    for (const number of [3, 4, 5, 6]) expect((await boot(number)).gate).toMatchObject({ code: 0 });
    expect((await stateOf()).settling).toMatchObject({ crashes: 1, bootId: "boot-6" });
    // What is too long to be ours says nothing, and stands in nobody's way.
    writeFileSync(shutDowns(), "boot-6\n".repeat(20_000));
    expect((await boot(7)).gate).toMatchObject({ code: 0 });
    expect((await stateOf()).settling).toMatchObject({ crashes: 2 });
  });

  it("and its gate is run twice in one start: that start counts once", async () => {
    await boot(3);
    for (let at = 0; at < 4; at += 1) expect((await scene.run("gate")).code).toBe(0);
    expect((await stateOf()).settling).toMatchObject({ crashes: 1, bootId: "boot-3" });
  });
});
