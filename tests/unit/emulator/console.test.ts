import { describe, expect, it } from "vitest";
import { EmulatorError } from "../../../lib/emulator/failure.ts";
import { ProcessError } from "../../../lib/external/process.ts";
import { SILENCE_MS, seat } from "./console-fixture.ts";

/** The error of a promise; fails where there is none. */
async function errorOf(promise: Promise<unknown>): Promise<EmulatorError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof EmulatorError)) throw new Error("an EmulatorError was expected", { cause: error });
  return error;
}

describe("SerialConsole", () => {
  it("finds a line that comes in pieces", async () => {
    const { console, say } = seat();
    const found = console.waitForText(/Starting kernel/, "the kernel", 1_000);
    say("Star");
    say("ting ker");
    say("nel ...\r\n");
    expect(await found).toBe("Starting kernel ...");
  });

  it("finds a prompt without a newline", async () => {
    const { console, say } = seat();
    const found = console.waitForText(/login: $/, "the login prompt", 1_000);
    say("home-pi login: ");
    expect(await found).toBe("home-pi login: ");
  });

  it("sends what it is given", () => {
    const { console, sent } = seat();
    console.send("root\n");
    expect(sent).toEqual(["root\n"]);
  });

  it("logs lines with the seconds since power-on", async () => {
    const { say, log, clock } = seat();
    say("U-Boot\r\n");
    await clock.advance(12_345);
    say("Linux\r\n");
    expect(log).toEqual(["    0.000 U-Boot\n", "   12.345 Linux\n"]);
  });

  it("logs byte for byte without timestamps", () => {
    const { say, log } = seat(false);
    say("a\r\nb");
    say("\u001b[1m");
    expect(log.join("")).toBe("a\r\nb\u001b[1m");
  });

  it("gives the last 40 lines and the unfinished one with an error", async () => {
    const { console, say } = seat();
    say(`${Array.from({ length: 60 }, (_, index) => `line ${index}`).join("\r\n")}\r\n# `);
    const error = await errorOf(console.waitFor({ what: "nothing", timeoutMs: 0, look: () => undefined }));
    expect(error.details).toHaveLength(40);
    expect(error.details.at(0)).toBe("line 21");
    expect(error.details.at(-1)).toBe("# ");
  });

  it("still reads the trace that follows a panic", async () => {
    const { console, say, clock } = seat();
    const error = errorOf(console.waitForText(/login/, "the login prompt", 600_000));
    say("Internal error: Oops: 0000000096000004 [#1] SMP\r\n");
    await clock.advance(1_000);
    say("Call trace:\r\n");
    await clock.advance(5_000);
    expect((await error).code).toBe("PANIC");
    expect((await error).details).toContain("Call trace:");
  });

  it("counts silence from the last byte, not from the start of the wait", async () => {
    const { console, say, clock } = seat();
    const error = errorOf(console.waitForText(/login/, "the login prompt", 600_000));
    for (let minute = 0; minute < 3; minute += 1) {
      await clock.advance(50_000);
      say(".");
    }
    await clock.advance(61_000);
    expect((await error).code).toBe("SILENCE");
    expect((await error).message).toContain("210 s after power-on");
  });

  it("passes on what a reader of lines throws", async () => {
    const { console, say, clock } = seat();
    const wait = console.waitFor({
      what: "a report",
      timeoutMs: 1_000,
      look: () => {
        if (console.tail.length > 0) throw new EmulatorError("REPORT_SCHEMA", "not as agreed");
        return undefined;
      },
    });
    say("x\r\n");
    expect((await errorOf(wait)).code).toBe("REPORT_SCHEMA");
    expect(clock.now()).toBe(0);
  });

  it("ends a wait when it is interrupted", async () => {
    const { console, abort } = seat();
    const wait = console.waitForText(/login/, "the login prompt", 600_000);
    abort.abort();
    await expect(wait).rejects.toThrow(ProcessError);
  });

  it("waits past a panic when told to, and not past a prompt after it", async () => {
    const { console, say, clock } = seat();
    const back = console.waitFor({
      what: "the next start",
      timeoutMs: 60_000,
      despite: ["PANIC"],
      look: ({ tail }) => (tail.some((line) => line.startsWith("In:")) ? true : undefined),
    });
    say("Kernel panic - not syncing: no init\r\n");
    say("In:    serial\r\n");
    expect(await back).toBe(true);
    const error = errorOf(
      console.waitFor({ what: "x", timeoutMs: 60_000, despite: ["PANIC"], look: () => undefined }),
    );
    say("U-Boot> ");
    await clock.advance(3_000);
    expect(await error).toMatchObject({ code: "BOOTLOADER" });
  });

  it("begins again after a reset: neither the panic nor the silence before it counts", async () => {
    const { console, say, clock } = seat();
    say("Kernel panic - not syncing: no init\r\nhalf a li");
    await clock.advance(SILENCE_MS - 1);
    console.beginAgain();
    expect(console.tail).toEqual([]);
    const found = console.waitForText(/^In:/, "the next start", 2 * SILENCE_MS);
    await clock.advance(SILENCE_MS - 1);
    say("In:    serial\r\n");
    expect(await found).toBe("In:    serial");
  });
});
