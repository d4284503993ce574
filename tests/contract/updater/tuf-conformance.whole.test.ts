import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assetsRoot } from "../../../lib/external/assets.ts";
import { exists } from "../../../lib/external/files.ts";
import { processes } from "../../../lib/external/process.ts";
import { withScratch } from "../../../lib/external/scratch.ts";
import { pipEnvironment } from "../../../workbench/act-binary.ts";

const MINUTE_MS = 60_000;
/** A checkout of theupdateframework/tuf-conformance. */
const checkout = process.env.PI_TUF_CONFORMANCE;

describe.skipIf(checkout === undefined)("the public TUF conformance suite", () => {
  it(
    "finds in a node's client what it finds in a conforming one, but for what client.xfails says",
    async () => {
      const suite = join(checkout ?? "", "tuf_conformance");
      const fix =
        "git clone https://github.com/theupdateframework/tuf-conformance, PI_TUF_CONFORMANCE=that folder";
      expect(await exists(join(suite, "conftest.py")), `no suite in ${checkout}: ${fix}`).toBe(true);
      // Four of its cases turn the clock with it.
      const turned = processes.run({ argv: ["faketime", "--version"], timeoutMs: MINUTE_MS });
      await expect(turned, "no faketime: apt-get install faketime").resolves.toMatchObject({ exitCode: 0 });
      await withScratch(tmpdir(), "tuf-", async (folder) => {
        await processes.run({
          argv: ["python3", "-m", "pip", "install", "--quiet", "--target", folder, checkout ?? ""],
          env: pipEnvironment(),
          timeoutMs: 5 * MINUTE_MS,
        });
        const entrypoint = join(assetsRoot, "workbench/tuf-conformance/client");
        const { stdout } = await processes.run({
          argv: [
            "python3",
            "-m",
            "pytest",
            "-q",
            suite,
            "--entrypoint",
            entrypoint,
            "-p",
            "no:cacheprovider",
          ],
          cwd: folder,
          env: { PYTHONPATH: folder, PI_NODE: process.execPath },
          timeoutMs: 15 * MINUTE_MS,
        });
        const [, verdict] = /^(\d+ passed.*) in [\d.]+s/m.exec(stdout) ?? [];
        console.log(`tuf-conformance: ${verdict}`);
        // More than before may pass, or be asked; fewer would be a loss.
        expect(Number.parseInt(verdict ?? "0", 10)).toBeGreaterThanOrEqual(90);
      });
    },
    20 * MINUTE_MS,
  );
});
