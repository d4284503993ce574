import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { decodeBootState, encodeBootState } from "../../lib/emulator/boot-state.ts";
import { readBootStateBytes, writeBootState } from "../../lib/emulator/card/state.ts";
import { machineLimits } from "../../lib/emulator/limits.ts";
import type { PoweredMachine } from "../../lib/emulator/power.ts";
import { state } from "./boot-state-cases.ts";
import { CHOICE_MS, machineAsked, withCardMachine } from "./card-machine.ts";
import { randomFrom } from "./random-numbers.ts";
import { cacheDir } from "./surroundings.ts";

// An open serial line picks up anything. Bytes on it, at any time, may not stop a boot.
const machine = machineAsked("raspi3b");

/** What a person would stop a boot with: Enter, Ctrl-C, space, q, Ctrl-D, Ctrl-S, Ctrl-Z, Escape. */
const KEYS = [0x0d, 0x0a, 0x03, 0x20, 0x71, 0x04, 0x13, 0x1a, 0x1b, 0xff, 0x00];
const EVERY_MS = 40;

/** The same bytes for the same seed. */
function noise(seed: number): () => Uint8Array {
  const next = randomFrom(seed);
  const byte = (): number =>
    next() < 0.5 ? (KEYS[Math.floor(next() * KEYS.length)] ?? 0) : Math.floor(next() * 256);
  return () => Uint8Array.from({ length: 4 }, byte);
}

/** Types without a pause until it is stopped; resolves to how many bytes went in. */
function typing(powered: PoweredMachine, seed: number): { stop: () => Promise<number> } {
  const bytes = noise(seed);
  let typed = 0;
  let stopped = false;
  const done = (async () => {
    while (!stopped) {
      const some = bytes();
      powered.type(some);
      typed += some.length;
      await pause(EVERY_MS);
    }
    return typed;
  })();
  return {
    stop: () => {
      stopped = true;
      return done;
    },
  };
}

describe.runIf(cacheDir !== undefined)(`noise on the serial line of ${machine}`, () => {
  test("U-Boot starts the kernel ten times, and the node comes up and is marked good", async () => {
    await withCardMachine("noise", machine, async ({ disk, powered, startAgain, until }) => {
      for (let seed = 1; seed <= 10; seed += 1) {
        await startAgain(async () => {
          const values = encodeBootState(state({ BOOT_ORDER: "A", FRESH: "1" }));
          for (const copy of [0, 1] as const) await writeBootState(disk, copy, values);
        });
        const typist = typing(powered, seed);
        const events = await until((seen) => seen.includes("kernel"), 2 * CHOICE_MS[machine]);
        if (seed < 10) {
          expect(await typist.stop(), `seed ${seed}`).toBeGreaterThan(50);
        } else {
          // What the node prints is torn by what is typed, so its own judgement is read from the card: only a node
          // whose services all came up is marked good, which gives its slot the attempts back.
          const { loginMs, reportMs } = machineLimits[machine];
          const good = state({ BOOT_ORDER: "A", BOOT_A_LEFT: "3", FRESH: "0" });
          await expect
            .poll(async () => decodeBootState(await readBootStateBytes(disk, 0)), {
              timeout: loginMs + reportMs,
              interval: 2_000,
            })
            .toEqual(good);
          expect(await typist.stop(), "bytes typed").toBeGreaterThan(10_000);
          expect(powered.timeline.starts).toBe(1);
        }
        // No second start: one would be an attempt lost to noise, or a state that was read wrong and saved.
        expect([seed, events]).toEqual([seed, ["start", "slot A, 2 left", "kernel"]]);
        const values = decodeBootState(await readBootStateBytes(disk, 0));
        if (seed < 10) expect(values).toEqual(state({ BOOT_ORDER: "A", BOOT_A_LEFT: "2", FRESH: "1" }));
      }
    });
  });
});
