import { assetsRoot } from "../../lib/external/assets.ts";
import { createReporter } from "../../lib/progress/create.ts";
import { runAction } from "../runner/ending.ts";
import { githubContext } from "../runner/github.ts";
import { readInputs } from "../runner/inputs.ts";
import { temporary, workspace } from "../runner/places.ts";
import { problemRemarks } from "../runner/problems.ts";
import { inputs } from "./interface.ts";
import { run } from "./main.ts";

const around = { project: assetsRoot, workspace, temporary };

await runAction(
  async (world) => {
    const reporter = createReporter({ cacheDir: temporary, verbose: true, stream: process.stdout });
    const context = process.env.GITHUB_REPOSITORY ? githubContext(process.env) : undefined;
    await run(readInputs(inputs), { ...around, context }, world, reporter);
    return 0;
  },
  (error) => problemRemarks(error, around),
);
