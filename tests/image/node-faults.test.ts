import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { localHome } from "../../lib/manifest/local-home.ts";
import { rotateKeys } from "../../lib/manifest/rotate-keys.ts";
import { startUpdater, waitForCommitted, waitForStatus } from "../../lib/rehearsal/follow.ts";
import { HOST_FROM_GUEST } from "../../lib/rehearsal/limits.ts";
import { craftBundle, flip } from "./crafted-bundles.ts";
import { FaultStore } from "./fault-store.ts";
import { harmless, type NodeSession, runUpdaterOn, withNodeSession } from "./node-session.ts";
import { losesWhatItKnew, refusesByClock, refusesOnBadDisk } from "./node-troubles.ts";
import { cacheDir, world } from "./surroundings.ts";
import { copyTestKeys, openTestKeys } from "./test-keys.ts";

const MINUTE = 60_000;
/** The network goes and comes back, for three minutes. */
const FLAPS = `sh -c 'wire=$(ls /sys/class/net | grep -vx lo | head -n 1); for i in $(seq 12); do sleep 10; ip link set $wire down; sleep 5; ip link set $wire up; done'`;

/** Releases of one session count up: each case has a version of its own, whatever became of the one before. */
class Versions {
  #minor = 0;
  next(): string {
    this.#minor += 1;
    return `1.${this.#minor}.0`;
  }
}

/** What must hold after every case: v1.0.0 runs from A, committed and good, and nothing restarts. */
async function expectUnharmed({ node, build }: NodeSession, what: string): Promise<void> {
  const [slots = "", held = ""] = (
    await node.command(
      "rauc status --output-format=json | tr -d '\\n'; echo; cat /usr/lib/home-pi/build.json",
    )
  ).split("\n");
  const status = JSON.parse(slots) as { booted: string; slots: Record<string, { boot_status: string }>[] };
  const bootStatus = status.slots
    .map((slot) => slot["rootfs.0"]?.boot_status)
    .find((one) => one !== undefined);
  expect({ what, booted: status.booted, bootStatus }).toEqual({ what, booted: "A", bootStatus: "good" });
  expect(held, what).toContain(build.image.info.buildId);
  expect(node.starts, what).toBe(1);
}

describe.runIf(cacheDir !== undefined)("a node among bad releases, servers, clocks and disks", () => {
  test(
    "stays what it is, says why, and takes the next good release",
    async () => {
      const faults = new FaultStore();
      const request = { name: "node-faults", serve: (folder: string) => faults.serve(folder) };
      await withNodeSession(request, async (session) => {
        const { node, store } = session;
        const versions = new Versions();
        const next = await session.edited("next", harmless("next"));
        const reasons: string[] = [];
        /** One run of the updater, whose reason must match. */
        const refuses = async (what: string, reason: RegExp): Promise<void> => {
          const status = await runUpdaterOn(node);
          reasons.push(`${what}: ${status.reason}`);
          console.log(reasons.at(-1));
          // All of them are told in one run.
          expect.soft(status.reason, what).toMatch(reason);
          expect.soft([status.plan, status.running.version], what).toEqual(["nothing", "1.0.0"]);
          await expectUnharmed(session, what);
        };

        // The manifest names them, so somebody has its keys; RAUC and the handler have the last word.
        const bundles = [
          ["unsigned", /RAUC did not install it: .*sign/],
          ["other board", /RAUC did not install it: .*[Cc]ompatible/],
          ["other digest", /RAUC did not install it: .*[Pp]re-install handler/],
        ] as const;
        for (const [kind, reason] of bundles) {
          await session.release(versions.next(), next, (bundle) => craftBundle(session, kind, next, bundle));
          await refuses(kind, reason);
        }

        // A flipped byte where RAUC looks first: two streams fail, then the download has another digest.
        const flipped = versions.next();
        await session.release(flipped, next);
        const bundle = join(store.folder, "releases", `v${flipped}`, `home-agent-rpi-arm64-${flipped}.raucb`);
        const whole = await readFile(bundle);
        await flip(bundle, 100);
        await refuses("a flipped byte, streamed", /RAUC did not install it/);
        await refuses("a flipped byte, streamed again", /RAUC did not install it/);
        await refuses("a flipped byte, downloaded", /bundle has sha256/);
        await writeFile(bundle, whole);

        // A slot that is too small is refused before anything is read.
        const large = { ...next, info: { ...next.info, slot: { ...next.info.slot, bytes: 3 * 1024 ** 3 } } };
        await session.release(versions.next(), large);
        await refuses("an image larger than the slot", /has 3221225472 bytes, and the slot holds 2147483648/);

        // The first two of a version meet a stream, what follows a download.
        const servers = [
          ["no ranges", "captive portal", "gzip", "redirect loop"],
          ["403", "truncated"],
        ] as const;
        for (const some of servers) {
          await session.release(versions.next(), next);
          for (const fault of some) {
            faults.fault = fault;
            await refuses(`server: ${fault}`, /RAUC did not install it|the bundle cannot be read/);
          }
        }
        faults.fault = "none";

        // Nothing that the node's own timer could install in between.
        await session.release(versions.next(), large);
        await refusesOnBadDisk(session, refuses);
        await refusesByClock(session, refuses);
        await losesWhatItKnew(session, refuses);

        // An old manifest is shown after a newer one was read.
        const manifest = join(store.folder, "manifest");
        const old = join(session.folder, "old-manifest");
        await cp(manifest, old, { recursive: true });
        await session.release(versions.next(), large);
        await refuses("an image larger than the slot", /the slot holds/);
        const now = join(session.folder, "new-manifest");
        await cp(manifest, now, { recursive: true });
        await rm(manifest, { recursive: true });
        await cp(old, manifest, { recursive: true });
        await refuses("an old manifest", /The channel cannot be read: .*version/);
        await rm(manifest, { recursive: true });
        await cp(now, manifest, { recursive: true });

        // Somebody else installs, and does not get on.
        faults.fault = "silent";
        const address = `http://${HOST_FROM_GUEST}:${session.stage.storePort}/somebody-elses.raucb`;
        await node.command(
          `busctl call de.pengutronix.rauc / de.pengutronix.rauc.Installer InstallBundle 'sa{sv}' ${address} 0`,
        );
        await session.release(versions.next(), next);
        await refuses("another installation", /busy with another installation/);
        expect(faults.unanswered).toBeGreaterThan(0);
        await session.release(versions.next(), large);
        faults.fault = "none";
        await node.command("systemctl stop rauc");

        // A name that nobody knows, as where the network's DNS is away.
        const identity = "/run/home-pi/identity.json";
        await node.command(
          `cp ${identity} /run/own-identity; sed -i 's|${HOST_FROM_GUEST}|store.invalid|' ${identity}`,
        );
        await refuses("no DNS", /store\.invalid/);
        await node.command(`mv /run/own-identity ${identity}`);

        // Slot A is, to the byte, what was flashed.
        const { bytes: slotBytes, sha256 } = session.build.image.info.slot;
        const read = await node.command(`head -c ${slotBytes} $(findmnt -no SOURCE /) | sha256sum`);
        expect(read).toContain(sha256);

        // Five releases and three roots later, over links that die after five seconds.
        await rotateThrice(session);
        for (let releases = 0; releases < 4; releases += 1) await session.release(versions.next(), next);
        const last = versions.next();
        await session.release(last, await session.edited("last", harmless("the last one")));
        faults.fault = "links that die";
        // Somebody restarts the node in the middle: it is what it was, and begins again.
        await startUpdater(node);
        await node.command(
          "until busctl get-property de.pengutronix.rauc / de.pengutronix.rauc.Installer Operation | grep -q installing; do sleep 1; done; systemctl reboot --no-block",
        );
        const again = await waitForStatus(
          node,
          "v1.0.0 after a restart",
          ({ committed }) => committed && node.starts === 2,
        );
        expect(again.running.version).toBe("1.0.0");
        await startUpdater(node);
        await node.command(`systemd-run --unit=flaps ${FLAPS}`);
        await waitForCommitted(node, last);
        console.log(`links: ${faults.redirected} asked for, ${faults.refused} used when they were dead`);
        expect(faults.redirected).toBeGreaterThan(1);
        expect(faults.refused).toBeGreaterThan(0);
        expect(node.starts).toBe(3);
      });
    },
    180 * MINUTE,
  );
});

/** Three new online keys, each under a new root. */
async function rotateThrice({ store, folder, build }: NodeSession): Promise<void> {
  const own = join(folder, "keys");
  const { cluster } = build.image.info;
  await copyTestKeys(cluster, own);
  for (let times = 0; times < 3; times += 1) {
    const now = new Date();
    const project = await openTestKeys(cluster, own);
    await rotateKeys({
      ...{
        home: localHome({ store: store.folder, world }),
        project,
        folder: dirname(project.publicFolder),
        now,
      },
      ...{ dryRun: false, say: () => undefined, role: "online", compromised: false },
    });
  }
  const project = await openTestKeys(cluster, own);
  Object.assign(store, { keys: project.keys, trustedRoot: project.trustedRoot });
}
