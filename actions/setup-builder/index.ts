import { resolve } from "node:path";
import { getState, saveState } from "@actions/core";
import { createReporter } from "../../lib/progress/create.ts";
import { runAction } from "../runner/ending.ts";
import { readInputs } from "../runner/inputs.ts";
import { withLayers } from "../runner/layers.ts";
import { workspace } from "../runner/places.ts";
import { asRoot } from "../runner/root.ts";
import { inputs } from "./interface.ts";
import { clean, run } from "./main.ts";

/** Set by the first call, so that the second one, behind the job, knows which it is. */
const BEGUN = "begun";

await runAction(async (world) => {
  const given = readInputs(inputs);
  const isPost = getState(BEGUN) !== "";
  if (!isPost) saveState(BEGUN, "yes");
  return asRoot(import.meta.filename, world, async () => {
    const cacheDir = resolve(workspace, given["cache-dir"]);
    const reporter = createReporter({ cacheDir, verbose: true, stream: process.stdout });
    if (isPost) await clean(cacheDir, world, reporter);
    else await run(given, cacheDir, await withLayers(world, given.cache), reporter);
    return 0;
  });
});
