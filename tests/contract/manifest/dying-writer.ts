// Publishes v1.1.0 into a local store and kills itself: node dying-writer.ts STORE CHECKPOINT
import { processes } from "../../../lib/external/process.ts";
import { planChange } from "../../../lib/manifest/carry-out.ts";
import { localHome } from "../../../lib/manifest/local-home.ts";
import { addRelease } from "../../../lib/manifest/repository/targets.ts";
import { choices, exampleRelease, rootOf, START, signersOf } from "../../unit/manifest/example.ts";

const [store = "", point = ""] = process.argv.slice(2);
const home = localHome({
  store,
  world: { processes, signal: new AbortController().signal },
  checkpoint: (name) => {
    if (name === point) process.kill(process.pid, "SIGKILL");
  },
});
const planned = await planChange({
  ...{ home, trustedRoot: rootOf(), message: "Release v1.1.0" },
  plan: (state) => addRelease(state, exampleRelease("v1.1.0"), choices, { signers: signersOf(), now: START }),
});
await planned.carryOut();
