import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clock } from "../../../lib/external/clock.ts";

let folder = "";
const log = () =>
  existsSync(join(folder, "log")) ? readFileSync(join(folder, "log"), "utf8").trim().split("\n") : [];

/** In the place of modprobe and udevadm: what they are called with is what counts. */
function standIn(name: string, more = ""): void {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho "${name} $*" >>${folder}/log\n${more}`);
  chmodSync(path, 0o755);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "udev-guard-"));
  standIn("modprobe");
  standIn("udevadm");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const script = (body: string) => `
  import { processes } from ${JSON.stringify(join(import.meta.dirname, "../../../lib/external/process.ts"))};
  import { holdUdev } from ${JSON.stringify(join(import.meta.dirname, "../../../updater/rauc/udev-guard.ts"))};
  ${body}`;
function run(body: string) {
  const args = ["--input-type=module-typescript", "-e", script(body)];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)));
  return { child, ended };
}
const until = async (holds: () => boolean): Promise<void> => {
  for (let at = 0; at < 100 && !holds(); at += 1) await clock.sleep(50);
  expect(log()).toSatisfy(holds);
};
const stopped = ["modprobe nbd", "udevadm settle --timeout=30", "udevadm control --stop-exec-queue"];
const whole = [...stopped, "udevadm control --start-exec-queue"];

describe("udev's queue", () => {
  it("stands still until it is released", async () => {
    const { ended } = run(
      "const guard = await holdUdev(processes); await guard.release(); await guard.release();",
    );
    expect(await ended).toBe(0);
    expect(log()).toEqual(whole);
  });

  it("goes on when its holder is killed", async () => {
    const { child, ended } = run("await holdUdev(processes); setInterval(() => {}, 1000);");
    await until(() => log().length === 3);
    expect(log()).toEqual(stopped);
    child.kill("SIGKILL");
    await ended;
    await until(() => log().length === 4);
    expect(log()).toEqual(whole);
  });

  it("that cannot be stopped is an error", async () => {
    standIn("udevadm", 'case "$*" in *stop*) exit 1;; esac\n');
    const { ended } = run(
      'await holdUdev(processes).catch((error) => process.exit(error.code === "RAUC" ? 7 : 8));',
    );
    expect(await ended).toBe(7);
  });
});
