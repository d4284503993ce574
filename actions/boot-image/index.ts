import { resolve } from "node:path";
import { createReporter } from "../../lib/progress/create.ts";
import { runAction } from "../runner/ending.ts";
import { readInputs } from "../runner/inputs.ts";
import { withLayers } from "../runner/layers.ts";
import { temporary, workspace } from "../runner/places.ts";
import { asRoot } from "../runner/root.ts";
import { inputs } from "./interface.ts";
import { run } from "./main.ts";

await runAction(async (world) => {
  const given = readInputs(inputs);
  return asRoot(import.meta.filename, world, async () => {
    const cacheDir = resolve(workspace, given["cache-dir"]);
    const reporter = createReporter({ cacheDir, verbose: true, stream: process.stdout });
    await run(given, { workspace, temporary }, await withLayers(world, given.cache), reporter);
    return 0;
  });
});
