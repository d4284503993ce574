import { expect } from "vitest";
import type { BuiltImage } from "../../lib/image/build/results.ts";
import { type NodeSession, runUpdaterOn } from "./node-session.ts";

/** Releases of one session count up: each case has a version of its own, whatever became of the one before. */
export class Versions {
  #minor = 0;
  next(): string {
    this.#minor += 1;
    return `1.${this.#minor}.0`;
  }
}

/** A release that no node has room for: nothing that its own timer could install in between. */
export function tooLarge(build: BuiltImage): BuiltImage {
  return { ...build, info: { ...build.info, slot: { ...build.info.slot, bytes: 3 * 1024 ** 3 } } };
}

/** One run of the updater, which must install nothing, and whose reason must match. */
export type Refuses = (what: string, reason: RegExp) => Promise<void>;

/** Runs of a node that has v1.0.0. All of what is wrong is told, not only the first. */
export function refusingNode(session: NodeSession): Refuses {
  return async (what, reason) => {
    await expectRefusal(session, what, reason);
    await expectUnharmed(session, what);
  };
}

export async function expectRefusal({ node }: NodeSession, what: string, reason: RegExp): Promise<void> {
  const status = await runUpdaterOn(node);
  console.log(`${what}: ${status.reason}`);
  expect.soft(status.reason, what).toMatch(reason);
  expect.soft([status.plan, status.running.version], what).toEqual(["nothing", "1.0.0"]);
}

/** What must hold after every case: v1.0.0 runs from A, committed and good, and nothing restarts. */
export async function expectUnharmed({ node, build }: NodeSession, what: string): Promise<void> {
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
