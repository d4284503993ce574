import { describe, expect, test } from "vitest";
import { layout } from "../../lib/image/assemble/layout.ts";
import { startUpdater, waitForCommitted } from "../../lib/rehearsal/follow.ts";
import { harmless, withNodeSession } from "./node-session.ts";
import { refusingNode } from "./refusing-node.ts";
import { cacheDir } from "./surroundings.ts";

const MINUTE = 60_000;
/** In sectors: where every system has files. */
const INTO_SLOT = 2 * 1024 * 64;

describe.runIf(cacheDir !== undefined)("a node whose card has a bad spot in the other slot", () => {
  test(
    "stays what it is, says why, and installs on a card without one",
    async () => {
      const badSector = layout.slotB.start + INTO_SLOT;
      const request = { name: "node-bad-spot", beforePower: () => Promise.resolve({ badSector }) };
      await withNodeSession(request, async (session) => {
        const { node } = session;
        await session.release("1.1.0", await session.edited("next", harmless("next")));
        // RAUC copies everything once more where its adaptive way met the spot.
        await refusingNode(session)("a bad spot", /did not install it: .*Input\/output error/);
        // The same bytes on another card.
        await node.command("sync");
        await node.cut();
        await node.switchOn();
        await startUpdater(node);
        await waitForCommitted(node, "1.1.0");
        expect(node.starts).toBe(2);
      });
    },
    120 * MINUTE,
  );
});
