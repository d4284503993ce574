// A run that uses a cache until it is killed: argv is CACHE. It says so when it does.
import { realWorld } from "../../../lib/external/world.ts";
import { usingCache } from "../../../lib/image/cache-use.ts";
import { quietReporter } from "./quiet-reporter.ts";

const [cacheDir = ""] = process.argv.slice(2);
await usingCache(cacheDir, realWorld(new AbortController().signal), quietReporter().reporter, async () => {
  process.stdout.write("using\n");
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
