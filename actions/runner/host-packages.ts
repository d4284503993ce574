import { delimiter, join } from "node:path";
import { exists } from "../../lib/external/files.ts";
import type { World } from "../../lib/external/world.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";

/** Programs a hosted runner lacks, by the Debian and Ubuntu package that brings them. */
const programs: Readonly<Record<string, string>> = { mmdebstrap: "mmdebstrap", xz: "xz-utils" };

const APT_TIMEOUT_MS = 10 * 60_000;

async function isInstalled(program: string): Promise<boolean> {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  const found = await Promise.all(folders.map((folder) => exists(join(folder, program))));
  return found.includes(true);
}

/** Installs with apt what the tools tree itself is made with. Nothing to do where it is there. Needs root. */
export async function installHostPackages(world: World, reporter: Reporter): Promise<void> {
  const wanted = await Promise.all(
    Object.entries(programs).map(async ([program, name]) => ((await isInstalled(program)) ? [] : [name])),
  );
  const missing = wanted.flat();
  if (missing.length === 0) return;
  await reporter.step(`apt: ${missing.join(", ")}`, {}, async (step) => {
    const commands = [["update"], ["install", "--yes", "--no-install-recommends", ...missing]];
    for (const command of commands) {
      await world.processes.run({
        argv: ["apt-get", "--quiet", ...command],
        env: { DEBIAN_FRONTEND: "noninteractive" },
        timeoutMs: APT_TIMEOUT_MS,
        signal: world.signal,
        onLine: step.line,
      });
    }
  });
}
