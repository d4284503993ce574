// The memory of an image's way between jobs: 1.9 GiB up and down as an artifact, through GitHub's own client and
// the workbench's results service. Fails above 300 MB of resident memory.
//   node bench/artifact.ts [GIB]
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import prettyBytes from "pretty-bytes";
import { assetsRoot } from "../lib/external/assets.ts";
import { processes } from "../lib/external/process.ts";
import { withScratch } from "../lib/external/scratch.ts";
import { startResults } from "../workbench/results/server.ts";

const GIB = 2 ** 30;
const MOST_BYTES = 300_000_000;
const TIMEOUT_MS = 1_800_000;
const bytes = Math.round(Number(process.argv[2] ?? "1.9") * GIB);

interface Measured {
  readonly seconds: number;
  readonly maxRssBytes: number;
}

await withScratch(tmpdir(), "bench-artifact-", async (folder) => {
  const file = join(folder, "image.img.zst");
  const handle = await open(file, "w");
  await handle.truncate(bytes);
  await handle.close();
  const results = await startResults(join(folder, "blobs"));
  try {
    for (const way of ["up", "down"]) {
      const argv = [process.execPath, join(assetsRoot, "bench/artifact-one.ts"), way, file] as const;
      const env = { ...results.environment("run"), GITHUB_WORKSPACE: folder, RUNNER_TEMP: folder };
      const { stdout } = await processes.run({ argv, env, timeoutMs: TIMEOUT_MS });
      const { seconds, maxRssBytes } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Measured;
      const peak = `peak memory ${prettyBytes(maxRssBytes)} (goal: at most ${prettyBytes(MOST_BYTES)})`;
      console.log(`${prettyBytes(bytes)} ${way} in ${seconds.toFixed(1)} s, ${peak}`);
      if (maxRssBytes > MOST_BYTES) process.exitCode = 1;
    }
    for (const problem of results.problems) console.log(problem);
  } finally {
    await results.close();
  }
});
