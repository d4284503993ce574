import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Clock } from "../../../lib/external/clock.ts";
import { UpdaterError } from "../../../updater/failure.ts";
import { type Bus, parseReplies } from "../../../updater/rauc/bus.ts";
import { install, readProgress } from "../../../updater/rauc/install.ts";
import { parseSlots } from "../../../updater/rauc/slots.ts";

const recorded = (name: string) =>
  parseReplies(readFileSync(join(import.meta.dirname, "fixtures", `${name}.json`), "utf8"));
const texts = (...data: string[]) => ({ type: "s", data });
const text = (data: string) => ({ type: "s", data });

describe("what RAUC says of its slots", () => {
  it("is read from a recording", () => {
    const slots = parseSlots(recorded("slotstatus")[0], texts("rootfs.1"), text("A"));
    expect(slots).toMatchObject({ booted: "A", primary: "B" });
    expect(slots.slots).toContainEqual({
      ...{ name: "rootfs.1", bootname: "B", device: "/slots/b", bootStatus: "good" },
      ...{ buildId: "cccc", version: "1.6.0" },
    });
    expect(slots.slots.find(({ bootname }) => bootname === "A")?.buildId).toBeUndefined();
  });

  it("may know no primary slot", () => {
    expect(parseSlots(recorded("slotstatus")[0], texts(""), text("B")).primary).toBeUndefined();
  });

  it.each([
    ["no status", undefined, text("A")],
    ["another type", { type: "s", data: "x" }, text("A")],
    ["a third slot", recorded("slotstatus")[0], text("C")],
  ])("is refused by name: %s", (_, status, bootSlot) => {
    expect(() => parseSlots(status, texts("rootfs.0"), bootSlot)).toThrow(/RAUC/);
  });

  it("is no JSON: refused", () => expect(() => parseReplies("Failed to connect\n")).toThrow(/none/));
});

const SILENCE = "no answer";

/** A bus that goes through recordings; the last one stays. */
function busOf(names: readonly string[]): Bus & { calls: string[] } {
  const left = [...names];
  const calls: string[] = [];
  return {
    calls,
    call: async (method, _signature, args = []) => {
      calls.push([method, ...args].join(" "));
      return undefined;
    },
    properties: async () => {
      const name = (left.length > 1 ? left.shift() : left[0]) ?? "";
      if (name === SILENCE) throw new UpdaterError("RAUC", "RAUC's service: Connection timed out");
      return recorded(name);
    },
  };
}

/** A clock that somebody sets: `jumps` are what each pause changes it by, in milliseconds. */
function clockOf(jumps: readonly number[] = []): Clock {
  const left = [...jumps];
  let [now, elapsed] = [0, 0];
  return {
    now: () => now,
    elapsed: () => elapsed,
    sleep: async (ms) => {
      elapsed += ms;
      now += ms + (left.shift() ?? 0);
    },
  };
}
const limits = { pollMs: 1_000, stallMs: 10_000, installMs: 60_000 };
const run = async (names: readonly string[], jumps: readonly number[] = []) => {
  const bus = busOf(names);
  let stopped = 0;
  const stop = async () => {
    stopped += 1;
  };
  const seen: string[] = [];
  const onProgress = ({ percent, message }: { percent: number; message: string }) =>
    void seen.push(`${percent} ${message}`);
  const failed = () => "the bundle cannot be read: no server answered";
  const request = { bundle: "http://127.0.0.1:1/x/bundle.raucb", stop, onProgress, failed };
  const error = await install(bus, clockOf(jumps), request, limits).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { bus, stopped, seen, error };
};

describe("an installation by RAUC", () => {
  it("is started and waited for", async () => {
    const { bus, seen, error, stopped } = await run([
      "props-idle",
      "props-installing",
      "props-installing",
      "props-done",
    ]);
    expect(error).toBeUndefined();
    expect(bus.calls).toEqual(["InstallBundle http://127.0.0.1:1/x/bundle.raucb 0"]);
    expect(seen).toEqual(["40 Determining target install group done."]);
    expect(stopped).toBe(0);
  });

  it.each([
    ["props-failed", "server not responding"],
    ["props-refused", "Pre-install handler error"],
  ])(
    "fails with what RAUC says, for the network where the bundle could not be read: %s",
    async (last, said) => {
      const { error } = await run(["props-idle", "props-installing", last]);
      expect(error).toMatchObject({
        code: "STREAM",
        message: expect.stringMatching(
          new RegExp(`did not install it: the bundle cannot be read: no server answered \\(.*${said}`),
        ),
      });
    },
  );

  it("goes on over a question that is not answered", async () => {
    const { error, stopped } = await run([
      ...["props-idle", "props-installing", SILENCE, "props-installing", "props-done"],
    ]);
    expect([error, stopped]).toEqual([undefined, 0]);
  });

  it("of which nothing is heard any more is ended", async () => {
    const { error, stopped } = await run(["props-idle", "props-installing", SILENCE]);
    expect(error).toMatchObject({ code: "RAUC", message: expect.stringContaining("made no progress") });
    expect(stopped).toBe(1);
  });

  it("that makes no progress is ended", async () => {
    const { error, stopped } = await run(["props-idle", "props-installing"]);
    expect(error).toMatchObject({ code: "RAUC", message: expect.stringContaining("made no progress") });
    expect(stopped).toBe(1);
  });

  it("goes on when the clock is set meanwhile", async () => {
    const day = 24 * 3_600_000;
    const { error, stopped } = await run(
      ["props-idle", "props-installing", "props-installing", "props-installing", "props-done"],
      [day, -day],
    );
    expect(error).toBeUndefined();
    expect(stopped).toBe(0);
  });

  it("of somebody else is left alone", async () => {
    const { error, bus } = await run(["props-installing"]);
    expect(error).toMatchObject({ code: "BUSY" });
    expect(bus.calls).toEqual([]);
  });

  it("has an idle state without an error", async () => {
    expect(await readProgress(busOf(["props-idle"]))).toEqual({
      running: false,
      percent: 0,
      message: "",
      error: "",
    });
  });
});
