import { resolve } from "node:path";
import { assetsRoot } from "../../lib/external/assets.ts";
import { createReporter } from "../../lib/progress/create.ts";
import { runAction } from "../runner/ending.ts";
import { readInputs } from "../runner/inputs.ts";
import { withLayers } from "../runner/layers.ts";
import { workspace } from "../runner/places.ts";
import { problemRemarks } from "../runner/problems.ts";
import { asRoot } from "../runner/root.ts";
import { inputs } from "./interface.ts";
import { run } from "./main.ts";

const around = { project: assetsRoot, workspace, commit: process.env.GITHUB_SHA || undefined };

await runAction(
  async (world) => {
    const given = readInputs(inputs);
    return asRoot(import.meta.filename, world, async () => {
      const cacheDir = resolve(workspace, given["cache-dir"]);
      const reporter = createReporter({ cacheDir, verbose: true, stream: process.stdout });
      await run(given, around, await withLayers(world, given.cache), reporter);
      return 0;
    });
  },
  (error) => problemRemarks(error, around),
);
