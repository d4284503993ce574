// A run that takes a lock, says so, and holds it until it is killed: argv is FILE MODE.
import { acquireLock } from "../../../lib/external/lock.ts";
import { processes } from "../../../lib/external/process.ts";

const [file = "", mode] = process.argv.slice(2);
const lock = await acquireLock(processes, { file, mode: mode === "shared" ? "shared" : "exclusive" });
process.stdout.write(lock === undefined ? "not free\n" : "held\n");
setInterval(() => undefined, 60_000);
