import { chown } from "node:fs/promises";
import { join } from "node:path";
import { listTree } from "../../lib/external/files.ts";
import type { World } from "../../lib/external/world.ts";
import { LINE_TO_PARENT } from "./ending.ts";
import { ActionError } from "./failure.ts";

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function noRoot(why: string): ActionError {
  return new ActionError("ROOT", `building and booting images needs root, and ${why}`, {
    fix: "use a GitHub-hosted runner, or allow the runner's user `NOPASSWD: ALL` in /etc/sudoers.d",
  });
}

function environment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { ...Object.fromEntries(entries), [LINE_TO_PARENT]: "1" };
}

/**
 * Runs `work` as root: here where we are root, else by starting the same script once more through sudo,
 * with the same environment. Building an image needs mounts and chroots; hosted runners let sudo do that
 * without a password. Resolves to the exit code. Throws ActionError ROOT where sudo refuses.
 */
export async function asRoot(script: string, world: World, work: () => Promise<number>): Promise<number> {
  if (isRoot()) return work();
  if (process.env[LINE_TO_PARENT] !== undefined) throw noRoot("sudo did not make us root");
  const probe = await world.processes
    .run({ argv: ["sudo", "-n", "true"], timeoutMs: 20_000, accept: [0, 1] })
    .then(
      (result) => result.exitCode === 0,
      () => false,
    );
  if (!probe) throw noRoot("sudo without a password is not allowed here");
  const child = world.processes.start(
    { argv: ["sudo", "-n", "-E", process.execPath, script], env: environment() },
    (chunk) => void process.stdout.write(chunk),
  );
  world.signal.addEventListener("abort", () => child.write("stop\n"), { once: true });
  return (await child.exited) ?? 1;
}

/**
 * Lets the user the runner's later steps run as remove and add to a folder root made. Its files stay root's:
 * they can be read, and some are links into the cache. Nothing to do without sudo.
 */
export async function giveToRunner(folder: string): Promise<void> {
  const uid = Number(process.env.SUDO_UID);
  const gid = Number(process.env.SUDO_GID);
  if (!isRoot() || !Number.isInteger(uid) || !Number.isInteger(gid)) return;
  const folders = (await listTree(folder)).filter(({ kind }) => kind === "folder");
  for (const path of ["", ...folders.map((entry) => entry.path)]) await chown(join(folder, path), uid, gid);
}
