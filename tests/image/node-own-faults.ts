import type { NodeSession } from "./node-session.ts";
import type { Refuses } from "./refusing-node.ts";
import { world } from "./surroundings.ts";

const DAY_MS = 24 * 60 * 60_000;

/** What was remembered is gone or torn: the channel is read anew, from the root that the image has. */
export async function losesWhatItKnew({ node }: NodeSession, refuses: Refuses): Promise<void> {
  const tooLarge = /the slot holds/;
  for (const tear of [": >$file", "truncate -s 100 $file", "rm $file"]) {
    await node.command(`for file in /data/update/metadata/*.json; do ${tear}; done; sync`);
    await refuses(`metadata after "${tear}"`, tooLarge);
  }
  await node.command(": >/data/update/state-1.json; : >/data/update/state-2.json; sync");
  await refuses("both state files empty", tooLarge);
  await node.command("rm -rf /data/update; sync");
  await refuses("everything lost", tooLarge);
}

export async function refusesOnBadDisk({ node }: NodeSession, refuses: Refuses): Promise<void> {
  await node.command("fallocate -l $(df --output=avail -B1 /data | tail -1) /data/filler || true; sync");
  await refuses("data full", /it is full/);
  await node.command("rm /data/filler; sync");
  await node.command(
    "mkdir /data/many; seq -f /data/many/%.0f $(df --output=iavail /data | tail -1) | xargs touch 2>/dev/null || true; df -i /data",
  );
  await refuses("data without an inode left", /it is full .* 0 files left/);
  await node.command("rm -r /data/many; sync");
  // As the kernel does it to a file system with errors, whoever writes to it.
  await node.command(
    "echo u >/proc/sysrq-trigger; until findmnt -no OPTIONS /data | grep -q '^ro'; do sleep 1; done",
  );
  await refuses("data read-only", /cannot be written to/).catch(async (error: unknown) => {
    await node.command("mount -o remount,rw /data");
    throw error;
  });
  await node.command("mount -o remount,rw /data");
}

export async function refusesByClock({ node, stage }: NodeSession, refuses: Refuses): Promise<void> {
  const { time } = stage;
  const right = time.offsetMs;
  const syncTo = async (offsetMs: number): Promise<void> => {
    time.offsetMs = offsetMs;
    await node.command("systemctl restart systemd-timesyncd; sleep 15");
  };
  /** Set by somebody, and held for right: NTP itself cannot say so without being asked in another era. */
  const setTo = async (offsetMs: number): Promise<number> => {
    const at = world.clock.now() + right + offsetMs;
    await node.command(
      `systemctl stop systemd-timesyncd; date -s @${Math.round(at / 1000)}; mkdir -p /run/systemd/timesync; touch /run/systemd/timesync/synchronized`,
    );
    return new Date(at).getUTCFullYear();
  };
  const server = /The clock is not trusted: it says .*, and .* says/;
  await syncTo(40 * DAY_MS);
  await refuses("a clock 40 days ahead", server);
  for (const years of [10, -10]) {
    const year = await setTo(years * 365 * DAY_MS);
    await refuses(`a clock ${years} years ahead`, new RegExp(`not trusted: it says ${year}-.*`));
  }
  await node.command(
    "systemctl stop systemd-timesyncd; rm -f /run/systemd/timesync/synchronized; date -s @86400",
  );
  await refuses("a clock at 1970", /The clock is not trusted/);
  await syncTo(right);
}
