// A run that makes the cache entry of a key: argv is CACHE KEY MADE-BY-FILE MILLISECONDS. It notes itself in
// MADE-BY-FILE when it starts to make, takes MILLISECONDS for it, and prints whether it found the entry.
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { realWorld } from "../../../lib/external/world.ts";
import { ensureCached } from "../../../lib/image/cache.ts";
import { quietReporter } from "./quiet-reporter.ts";

const [cacheDir = "", key = "", madeBy = "", ms = "0"] = process.argv.slice(2);
const entry = await ensureCached(
  {
    cacheDir,
    room: "room",
    key,
    about: {},
    make: async (folder) => {
      writeFileSync(join(folder, "first"), "half");
      appendFileSync(madeBy, `${process.pid}\n`);
      await sleep(Number(ms));
      writeFileSync(join(folder, "second"), "whole");
    },
  },
  realWorld(new AbortController().signal),
  quietReporter().reporter,
);
process.stdout.write(entry.reused ? "reused\n" : "made\n");
