import { resolve } from "node:path";
import { assetsRoot } from "../../lib/external/assets.ts";
import { takeSecrets } from "../../lib/keys/places.ts";
import { createReporter } from "../../lib/progress/create.ts";
import { runAction } from "../runner/ending.ts";
import { githubContext, requireToken } from "../runner/github.ts";
import { readInputs } from "../runner/inputs.ts";
import { temporary, workspace } from "../runner/places.ts";
import { problemRemarks } from "../runner/problems.ts";
import { asRoot } from "../runner/root.ts";
import { inputs } from "./interface.ts";
import { refuseContradictions, run } from "./main.ts";
import { toolsOn } from "./tools.ts";

await runAction(
  async (world) => {
    const given = readInputs(inputs);
    refuseContradictions(given);
    const token = requireToken(given.token);
    const context = githubContext(process.env);
    return asRoot(import.meta.filename, world, async () => {
      const cacheDir = resolve(workspace, given["cache-dir"]);
      const reporter = createReporter({ cacheDir, verbose: true, stream: process.stdout });
      const secrets = takeSecrets(process.env);
      const tools = () => toolsOn(cacheDir, world, reporter);
      const around = { workspace, temporary, cacheDir, context, token, secrets, tools };
      await run(given, around, world, reporter);
      return 0;
    });
  },
  (error) => problemRemarks(error, { project: assetsRoot, workspace }),
);
