// A command that works until it is interrupted and then takes its time to tidy up: argv is FILE MILLISECONDS.
// FILE is made when it has tidied up. What it works at is printed, line by line.
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { listenForInterruption } from "../../../cli/interruption.ts";

const [file = "", ms = "0"] = process.argv.slice(2);
const interruption = listenForInterruption((text) => void process.stderr.write(text));
while (!interruption.signal.aborted) {
  process.stdout.write("working\n");
  await sleep(20);
}
await sleep(Number(ms));
writeFileSync(file, String(interruption.signal.reason));
process.exit(interruption.exitCode());
