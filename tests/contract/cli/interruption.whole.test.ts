import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ProcessError } from "../../../lib/external/process.ts";
import { describeFailure, wasInterrupted } from "../../../lib/failure.ts";
import { ImageError } from "../../../lib/image/failure.ts";
import { scratchFolder } from "../../unit/external/scratch-folder.ts";

const scratch = scratchFolder();

/** A command at work, that takes 400 ms to tidy up. */
async function atWork() {
  const program = join(import.meta.dirname, "tidying-command.ts");
  const child = spawn(process.execPath, [program, scratch.join("tidied"), "400"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString("utf8");
  });
  await once(child.stdout, "data");
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal, said }));
  return { child, ended };
}

describe("a command that is stopped", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("by %s tidies up and ends with %d", async (signal, code) => {
    const { child, ended } = await atWork();
    child.kill(signal);
    expect(await ended).toEqual({ code, signal: null, said: "" });
    expect(readFileSync(scratch.join("tidied"), "utf8")).toContain(`stopped by ${signal}`);
  });

  it("a second and a third time goes on tidying up, and says so", async () => {
    const { child, ended } = await atWork();
    child.kill("SIGINT");
    await sleep(50);
    child.kill("SIGINT");
    await sleep(50);
    child.kill("SIGTERM");
    const said = "stopping already: what is half made is being removed\n".repeat(2);
    expect(await ended).toEqual({ code: 130, signal: null, said });
    expect(existsSync(scratch.join("tidied"))).toBe(true);
  });

  it("by its reader, who has gone, tidies up as well", async () => {
    const { child, ended } = await atWork();
    child.stdout.destroy();
    expect(await ended).toEqual({ code: 141, signal: null, said: "" });
    expect(existsSync(scratch.join("tidied"))).toBe(true);
  });

  it("by its reader, whom all it says would have gone to, does too", async () => {
    const { child, ended } = await atWork();
    child.stderr.destroy();
    child.stdout.destroy();
    child.kill("SIGINT");
    expect((await ended).signal).toBeNull();
    expect(existsSync(scratch.join("tidied"))).toBe(true);
  });
});

describe("an error", () => {
  const interrupted = new ProcessError("INTERRUPTED", "tar was interrupted");
  const failed = new ProcessError("EXIT", "tar ended with 2");

  it.each([
    ["is an interruption", interrupted, true],
    ["has one as its cause", new ImageError("BASE", "not packed", { cause: interrupted }), true],
    ["has another cause", new ImageError("BASE", "not packed", { cause: failed }), false],
    ["came up while tidying", new Error("EBUSY"), false],
  ])("that %s", (_what, error, expected) => {
    expect(wasInterrupted(error), describeFailure(error).join()).toBe(expected);
  });
});
