import { describe, expect, test } from "vitest";
import { readBootStates } from "../../lib/emulator/disk.ts";
import { withCard } from "./powered-card.ts";
import { cacheDir } from "./surroundings.ts";

const BOOT_MS = 300_000;
/** systemd feeds the watchdog for 14 s, and halves that; then the machine takes a moment. */
const WATCHDOG_MS = 60_000;
/** The node stands in emergency mode for a minute. */
const EMERGENCY_MS = 120_000;
const LOGIN = / login: *$/;

/** Stops systemd itself, which then feeds no watchdog. */
const FREEZE_INIT = "echo 1 >/sys/fs/cgroup/init.scope/cgroup.freeze";

describe.runIf(cacheDir !== undefined)("a node that starts again", () => {
  test("stays on A through six reboots: asked for, by the watchdog, out of emergency mode", async () => {
    await withCard({ name: "six-reboots", identity: true }, async (card) => {
      await card.powered(
        async (node) => {
          await node.report();
          const ways = [
            { how: "systemctl reboot", ms: BOOT_MS },
            { how: FREEZE_INIT, ms: WATCHDOG_MS },
            { how: "systemctl --no-block emergency", ms: EMERGENCY_MS },
            { how: "echo c >/proc/sysrq-trigger", ms: WATCHDOG_MS },
            { how: "systemctl reboot", ms: BOOT_MS },
            { how: "systemctl reboot", ms: BOOT_MS },
          ];
          for (const [index, { how, ms }] of ways.entries()) {
            // Good before it goes down: attempts are given back each time.
            await node.ssh("until [ -e /run/home-pi/marked-good ]; do sleep 1; done", [0]);
            const [state] = await readBootStates(card.disk);
            expect(state, `before reboot ${index + 1}`).toMatchObject({ BOOT_ORDER: "A", BOOT_A_LEFT: "3" });
            await node.ssh(`(sleep 1; ${how}) </dev/null >/dev/null 2>&1 &`, [0, 255]);
            await node.waitForText(/^home-pi: slot A, 2 attempts left/, ms);
            await node.waitForText(LOGIN, BOOT_MS);
          }
          expect(await node.ssh("cat /proc/cmdline")).toContain("home-pi.slot=A");
        },
        { watchdog: true },
      );
    });
  });
});
