import { readFileSync } from "node:fs";
import { folderSource } from "../../../lib/external/source.ts";
import { refreshMetadata } from "../../../updater/metadata.ts";
import { StateFile } from "../../../updater/state/file.ts";
import { emptyState } from "../../../updater/state/record.ts";

/** Does one thing and is killed at its n-th checkpoint; says how many there were where it was not. */
const [what = "", folder = "", at = "0", more = ""] = process.argv.slice(2);
let passed = 0;
const checkpoint = (): void => {
  passed += 1;
  if (passed === Number(at)) process.kill(process.pid, "SIGKILL");
};

if (what === "state") {
  await new StateFile(folder, checkpoint).write({ ...emptyState, paused: true, returns: 1 });
} else {
  const { home, trusted, now } = JSON.parse(more) as { home: string; trusted: string; now: number };
  await refreshMetadata({
    ...{ folder, checkpoint, now: new Date(now), floors: emptyState.floors },
    source: folderSource(home),
    trustedRoot: readFileSync(trusted),
  });
}
process.stdout.write(`${passed}\n`);
