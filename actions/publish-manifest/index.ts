import { assetsRoot } from "../../lib/external/assets.ts";
import { takeSecrets } from "../../lib/keys/places.ts";
import { createReporter } from "../../lib/progress/create.ts";
import { runAction } from "../runner/ending.ts";
import { githubContext, requireToken } from "../runner/github.ts";
import { readInputs } from "../runner/inputs.ts";
import { temporary, workspace } from "../runner/places.ts";
import { problemRemarks } from "../runner/problems.ts";
import { inputs } from "./interface.ts";
import { refuseContradictions, run } from "./main.ts";

await runAction(
  async (world) => {
    const given = readInputs(inputs);
    refuseContradictions(given);
    const secrets = takeSecrets(process.env);
    const token = requireToken(given.token);
    const context = githubContext(process.env);
    const reporter = createReporter({ cacheDir: temporary, verbose: true, stream: process.stdout });
    await run(given, { workspace, temporary, context, token, secrets }, world, reporter);
    return 0;
  },
  (error) => problemRemarks(error, { project: assetsRoot, workspace }),
);
