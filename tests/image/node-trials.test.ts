import { describe, expect, test } from "vitest";
import { startUpdater, waitForCommitted, waitForReturn, waitForStatus } from "../../lib/rehearsal/follow.ts";
import type { RehearsalNode } from "../../lib/rehearsal/node.ts";
import type { SlotEdit } from "../../lib/rehearsal/slot-edit.ts";
import { hangingInitramfs } from "./hanging-initramfs.ts";
import { harmless, runUpdaterOn, withNodeSession } from "./node-session.ts";
import { cacheDir, world } from "./surroundings.ts";

const MINUTE = 60_000;

interface BadSystem {
  readonly name: string;
  readonly edits: readonly SlotEdit[];
  /** What the node remembers of it. */
  readonly reason: RegExp;
  /** Starts of the machine until the old system is back: the boot script gives a slot three. */
  readonly starts: number;
  /** Where nothing resets the machine in emulation: the test does, as `slot.scr`'s watchdog would on a Pi. */
  readonly pressed?: boolean;
}

const script = (content: string, path: string): SlotEdit => ({
  kind: "write",
  path,
  content,
  executable: true,
});

/** A unit that is started with the node. */
const startedUnit = (name: string, content: string): readonly SlotEdit[] => [
  { kind: "write", path: `/usr/lib/systemd/system/${name}`, content },
  {
    kind: "link",
    path: `/usr/lib/systemd/system/multi-user.target.wants/${name}`,
    target: `../${name}`,
  },
];

const PANIC_UNIT = `[Unit]
Description=Something that takes the kernel down later

[Service]
ExecStart=/usr/lib/home-pi/panic
`;

/** Never `failed`: it runs for a while, and waits for its next start. */
const FLAPPING_UNIT = `[Unit]
Description=Something that does not get on
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh -c "sleep 3; exit 1"
Restart=always
RestartSec=5
`;

/** A oneshot may start for as long as it likes, as k3s may, and multi-user.target waits for it. */
const HANGING_UNIT = `[Unit]
Description=Something that never finishes starting

[Service]
Type=oneshot
ExecStart=/bin/sleep infinity
`;

/** The status is left once a build is committed, in each start anew: a panic before it would be one on trial. */
const PANIC = `#!/bin/sh
until [ -e /run/home-pi/marked-good ] && grep -qs '"committed":true' /run/home-pi/update-status.json; do
  sleep 1
done
echo c >/proc/sysrq-trigger
`;

/** Runs those only whose name has this in it. */
const ONLY = process.env.PI_TEST_SYSTEMS ?? "";

/** Systems that pass every check before they run. */
const SYSTEMS: readonly BadSystem[] = [
  {
    name: "no init",
    edits: [{ kind: "remove", path: "/usr/sbin/init" }],
    reason: /did not come up far enough to say why/,
    starts: 4,
  },
  {
    name: "an initramfs that is torn",
    edits: [{ kind: "write", path: "/boot/initrd.img", content: "torn" }],
    reason: /did not come up far enough to say why/,
    starts: 4,
  },
  {
    name: "an initramfs that hangs",
    edits: [{ kind: "write", path: "/boot/initrd.img", content: hangingInitramfs() }],
    reason: /did not come up far enough to say why/,
    // Those after the last reset.
    starts: 1,
    pressed: true,
  },
  {
    name: "no network",
    edits: [{ kind: "remove", path: "/etc/systemd/network/20-wired.network" }],
    reason: /no time server answered|cannot follow the channel/,
    starts: 2,
  },
  {
    name: "settings that are torn",
    edits: [{ kind: "write", path: "/etc/home-pi/update.json", content: '{"channel":' }],
    reason: /cannot follow the channel, and the build before could: .*update\.json: is not what it should be/,
    starts: 2,
  },
  {
    name: "a service that is started again and again",
    edits: startedUnit("flapping.service", FLAPPING_UNIT),
    reason: /units fail or do not finish starting that were well before: flapping\.service/,
    starts: 2,
  },
  {
    name: "a service that never finishes starting",
    edits: startedUnit("hanging.service", HANGING_UNIT),
    reason: /units fail or do not finish starting that were well before: hanging\.service/,
    starts: 2,
  },
  {
    name: "a health check that fails",
    edits: [
      script("#!/bin/sh\necho 'the cluster does not answer'\nexit 1\n", "/usr/lib/home-pi/health.d/50-test"),
    ],
    reason: /the cluster does not answer/,
    starts: 2,
  },
  {
    name: "an init that stops, and feeds no watchdog",
    edits: [
      script(
        "#!/bin/sh\necho 1 >/sys/fs/cgroup/init.scope/cgroup.freeze\nsleep 600\n",
        "/usr/lib/home-pi/health.d/50-test",
      ),
    ],
    reason: /did not come up far enough to say why/,
    starts: 4,
  },
  {
    name: "a panic after its commit",
    edits: [script(PANIC, "/usr/lib/home-pi/panic"), ...startedUnit("panic.service", PANIC_UNIT)],
    reason: /passed its gate, and crashed or lost power 3 times before it was up for 15 minutes/,
    // It commits in the first, and panics in each of three; the gate of the fourth goes back.
    starts: 5,
  },
];

/** As long as this nothing is said by a node that starts. */
const SILENT_MS = 90_000;

/** Resets a machine that has said nothing since its kernel was started. */
class ResetButton {
  pressed = 0;
  #last = "";
  #since = 0;
  readonly #node: RehearsalNode;

  constructor(node: RehearsalNode) {
    this.#node = node;
  }

  pressWhereSilent(): void {
    const last = this.#node.powered.console.tail.findLast((line) => line.trim() !== "") ?? "";
    const now = world.clock.now();
    if (last !== this.#last) [this.#last, this.#since] = [last, now];
    if (!last.includes("Starting kernel") || now - this.#since < SILENT_MS) return;
    this.pressed += 1;
    this.#last = "";
    void this.#node.powered.reset();
  }
}

/** A Pi's own watchdog cannot be used in emulation; this one is fed by the same systemd, and resets the same way. */
const withWatchdog = () => Promise.resolve({ watchdog: true });

describe.runIf(cacheDir !== undefined)("a release whose system does not work", () => {
  test(
    "is left by the node itself, whatever is wrong with it",
    async () => {
      await withNodeSession({ name: "node-trials", beforePower: withWatchdog }, async (session) => {
        const { node } = session;
        let minor = 0;
        for (const { name, edits, reason, starts, pressed } of SYSTEMS.filter((one) =>
          one.name.includes(ONLY),
        )) {
          minor += 1;
          const version = `1.${minor}.0`;
          const bad = await session.edited(`bad-${minor}`, [...harmless(name), ...edits]);
          await session.release(version, bad);
          const before = pressed === true ? 0 : node.starts;
          const button = new ResetButton(node);
          await startUpdater(node);
          const options = pressed === true ? { onLook: () => button.pressWhereSilent() } : {};
          const back = await waitForReturn(node, version, "1.0.0", options);
          console.log(`${name}: ${back.lastFailed?.reason} (${node.starts - before} starts)`);
          expect.soft(back.lastFailed?.reason, name).toMatch(reason);
          expect.soft(node.starts - before, name).toBe(starts);
          // The boot script gives a slot three.
          expect.soft(button.pressed, name).toBe(pressed === true ? 3 : 0);
          // Not tried again.
          const again = await runUpdaterOn(node);
          expect.soft(again.reason, name).toContain("a newer version is waited for");
        }

        // Somebody starts the slot that failed, by hand: it is never marked good, and the node comes back.
        const before = node.starts;
        await node.command("rauc status mark-active other; systemctl reboot --no-block");
        const returned = await waitForStatus(
          node,
          "the committed build after another slot was started by hand",
          ({ running, committed }) => running.version === "1.0.0" && committed && node.starts >= before + 2,
        );
        expect(returned.alarm).toBe(false);

        minor += 1;
        await session.release(`1.${minor}.0`, await session.edited("good", harmless("good")));
        await startUpdater(node);
        await waitForCommitted(node, `1.${minor}.0`);
      });
    },
    240 * MINUTE,
  );
});
