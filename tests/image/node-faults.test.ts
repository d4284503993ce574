import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startUpdater, waitForCommitted } from "../../lib/rehearsal/follow.ts";
import { craftBundle, flip } from "./crafted-bundles.ts";
import { FaultStore } from "./fault-store.ts";
import { forgeBundle } from "./forged-bundles.ts";
import { harmless, withNodeSession } from "./node-session.ts";
import { refusingNode, tooLarge, Versions } from "./refusing-node.ts";
import { cacheDir } from "./surroundings.ts";

const MINUTE = 60_000;
describe.runIf(cacheDir !== undefined)("a node among bad releases and servers", () => {
  test(
    "stays what it is, says why, and takes the next good release",
    async () => {
      const faults = new FaultStore();
      const request = { name: "node-faults", serve: (folder: string) => faults.serve(folder) };
      await withNodeSession(request, async (session) => {
        const { node, store } = session;
        const versions = new Versions();
        const next = await session.edited("next", harmless("next"));
        const refuses = refusingNode(session);

        // The manifest names them, so somebody has its keys; RAUC and the handler have the last word.
        const bundles = [
          ["unknown CA", /RAUC did not install it: .*sign/],
          ["other board", /RAUC did not install it: .*[Cc]ompatible/],
          ["other digest", /RAUC did not install it: .*[Pp]re-install handler/],
        ] as const;
        for (const [kind, reason] of bundles) {
          await session.release(versions.next(), next, {
            craft: (bundle) => craftBundle(session, kind, next, bundle),
          });
          await refuses(kind, reason);
        }

        const forgeries = [
          ["expired certificate", /RAUC did not install it: .*expired/],
          ["plain format", /RAUC did not install it: .*plain/],
        ] as const;
        for (const [kind, reason] of forgeries) {
          await session.release(versions.next(), next, {
            craft: (bundle) => forgeBundle(session, kind, next, bundle),
          });
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
        await session.release(versions.next(), tooLarge(next));
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

        // And takes what is right.
        const last = versions.next();
        await session.release(last, next);
        await startUpdater(node);
        await waitForCommitted(node, last);
        expect(node.starts).toBe(2);
      });
    },
    180 * MINUTE,
  );
});
