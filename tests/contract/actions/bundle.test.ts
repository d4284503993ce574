import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { processes } from "../../../lib/external/process.ts";
import { sbom } from "../../../lib/image/build/sbom.ts";
import { bundle } from "../../../scripts/build-actions.ts";
import { root } from "./run-action.ts";

test("a library that is loaded late and looks for its own files works from a bundle alone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bundle-"));
  try {
    const bash = { name: "bash", version: "5.2.37-2", architecture: "arm64", source: "bash" };
    const request = {
      name: "home-agent",
      buildId: "0".repeat(64),
      packages: [bash],
      firmware: [],
      epoch: 1_760_000_000,
    };
    const entry = join(folder, "entry.ts");
    const from = JSON.stringify(join(root, "lib", "image", "build", "sbom.ts"));
    await writeFile(
      entry,
      `import { sbom } from ${from};\nprocess.stdout.write(await sbom(${JSON.stringify(request)}));\n`,
    );
    await bundle(entry, join(folder, "alone.mjs"));
    const result = await processes.run({
      argv: [process.execPath, "alone.mjs"],
      cwd: folder,
      timeoutMs: 30_000,
    });
    expect(result.stdout).toBe(await sbom(request));
  } finally {
    await rm(folder, { recursive: true });
  }
});
