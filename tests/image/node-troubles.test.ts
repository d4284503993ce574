import { cp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { localHome } from "../../lib/manifest/local-home.ts";
import { rotateKeys } from "../../lib/manifest/rotate-keys.ts";
import { startUpdater, waitForCommitted, waitForStatus } from "../../lib/rehearsal/follow.ts";
import { HOST_FROM_GUEST } from "../../lib/rehearsal/limits.ts";
import { FaultStore } from "./fault-store.ts";
import { losesWhatItKnew, refusesByClock, refusesOnBadDisk } from "./node-own-faults.ts";
import { harmless, type NodeSession, runUpdaterOn, withNodeSession } from "./node-session.ts";
import { expectRefusal, expectUnharmed, refusingNode, tooLarge, Versions } from "./refusing-node.ts";
import { cacheDir, world } from "./surroundings.ts";
import { copyTestKeys, openTestKeys } from "./test-keys.ts";

const MINUTE = 60_000;
/** Waits until RAUC is at it. */
const INSTALLING =
  "until busctl get-property de.pengutronix.rauc / de.pengutronix.rauc.Installer Operation | grep -q installing; do sleep 1; done";
const IDENTITY = "/run/home-pi/identity.json";
/** The store has a name with two addresses, and what is sent to the first, which is preferred, is never answered. */
const BLACK_HOLE = [
  "modprobe dummy && (ip link show hole || ip link add hole type dummy) && ip link set hole up",
  "ip -6 addr replace 2001:db8:dead::1/64 dev hole nodad",
  "cp /etc/hosts /run/hosts",
  `printf "2001:db8:dead::2 store.test\\n${HOST_FROM_GUEST} store.test\\n" >>/run/hosts`,
  "mount --bind /run/hosts /etc/hosts",
  `sed -i 's|${HOST_FROM_GUEST}|store.test|' ${IDENTITY}`,
  "getent ahosts store.test | head -n 1 | grep -q ^2001:db8:dead::2",
].join(" && ");
/**
 * The node gets another address for a while, so that its connections die without a word; then the network goes and
 * comes back, for three minutes.
 */
const FLAPS = [
  "wire=$(ls /sys/class/net | grep -vxE 'lo|hole' | head -n 1)",
  "sleep 10; ip addr del 10.0.2.15/24 dev $wire; ip addr add 10.0.2.77/24 dev $wire",
  "sleep 40; echo moved >/data/moved; networkctl reconfigure $wire",
  "for i in $(seq 12); do sleep 10; ip link set $wire down; sleep 5; ip link set $wire up; done",
].join("; ");

describe.runIf(cacheDir !== undefined)("a node with bad disks, clocks, memory and links", () => {
  test(
    "stays what it is, says why, and takes the next good release",
    async () => {
      const faults = new FaultStore();
      const request = { name: "node-troubles", serve: (folder: string) => faults.serve(folder) };
      await withNodeSession(request, async (session) => {
        const { node, store } = session;
        const versions = new Versions();
        const next = await session.edited("next", harmless("next"));
        const large = tooLarge(next);
        const refuses = refusingNode(session);

        // Nothing that the node's own timer could install in between.
        await session.release(versions.next(), large);
        // Once it has read the channel it knows the version it runs: an image carries none.
        await refuses("an image larger than the slot", /the slot holds/);
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
        // RAUC answers nobody else meanwhile.
        await expectRefusal(session, "another installation", /busy with another installation/);
        expect(faults.unanswered).toBeGreaterThan(0);
        await session.release(versions.next(), large);
        faults.fault = "none";
        await node.command("systemctl stop rauc");
        await expectUnharmed(session, "another installation");

        // A name that nobody knows, as where the network's DNS is away.
        await node.command(
          `cp ${IDENTITY} /run/own-identity; sed -i 's|${HOST_FROM_GUEST}|store.invalid|' ${IDENTITY}`,
        );
        await refuses("no DNS", /store\.invalid/);
        await node.command(`mv /run/own-identity ${IDENTITY}`);

        // A name whose first address swallows everything.
        await node.command(BLACK_HOLE);
        await refuses("an IPv6 black hole", /the slot holds/);

        // Slot A is, to the byte, what was flashed.
        const { bytes: slotBytes, sha256 } = session.build.image.info.slot;
        const read = await node.command(`head -c ${slotBytes} $(findmnt -no SOURCE /) | sha256sum`);
        expect(read).toContain(sha256);

        // Five releases and three roots later, one of them a waypoint, over links that die after five seconds.
        await rotateThrice(session);
        for (let releases = 0; releases < 3; releases += 1) await session.release(versions.next(), next);
        const [stone, last] = [versions.next(), versions.next()];
        await session.release(stone, await session.edited("stone", harmless("no node passes by this")));
        const end = await session.edited("last", harmless("the last one"));
        await session.release(last, end, { waypoints: [stone] });
        faults.fault = "links that die";
        // Somebody restarts the node in the middle: it is what it was, and begins again.
        await startUpdater(node);
        await node.command(`${INSTALLING}; systemctl reboot --no-block`);
        const again = await waitForStatus(
          node,
          "v1.0.0 after a restart",
          ({ committed }) => committed && node.starts === 2,
        );
        expect(again.running.version).toBe("1.0.0");
        await node.command(BLACK_HOLE);
        await node.command(`cat >/run/flaps <<'end'\n${FLAPS}\nend`);
        await startUpdater(node);
        await node.command(`${INSTALLING}; systemd-run --unit=flaps sh /run/flaps`);
        await waitForCommitted(node, stone);
        expect(await node.command("cat /data/moved")).toContain("moved");
        console.log(`links: ${faults.redirected} asked for, ${faults.refused} used when they were dead`);
        expect(faults.redirected).toBeGreaterThan(1);
        expect(faults.refused).toBeGreaterThan(0);
        expect(node.starts).toBe(3);
        faults.fault = "none";
        await startUpdater(node);
        await waitForCommitted(node, last);
        expect(node.starts).toBe(4);

        // Somebody wants the one before again: only where they say so, and it stays while updates are paused.
        const refused = await node.command(`node-update install --version ${stone} 2>&1 || true`);
        expect(refused).toMatch(/is older than what this node has run; install it with --older/);
        expect(node.starts).toBe(4);
        await node.command(
          `node-update pause; systemd-run --no-block node-update install --version ${stone} --older`,
        );
        await waitForCommitted(node, stone);
        const older = await runUpdaterOn(node);
        expect([older.running.version, older.plan]).toEqual([stone, "nothing"]);
        expect(older.reason).toMatch(/paused/);
        expect(node.starts).toBe(5);
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
