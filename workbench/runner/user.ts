import { chmod, chown, copyFile, lchown, link, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { listTree } from "../../lib/external/files.ts";
import type { World } from "../../lib/external/world.ts";
import { WorkbenchError } from "../act-binary.ts";
import { RUNNER, SUDOERS, withRunner } from "./accounts.ts";
import { sudoTree } from "./sudo.ts";

const PROBE_MS = 20_000;
const ROOT = { uid: 0, gid: 0 } as const;

/** Who jobs run as where it is not who started them: no more than sudo lets it be, as on a hosted runner. */
export interface RunnerUser {
  /** Folder with the programs that were asked for, in which the user can start them wherever they lie. */
  readonly bin: string;
  /** What runs a program as this user, through a shell: variables with a hyphen in their names do not pass. */
  command(argv: readonly [string, ...string[]]): [string, ...string[]];
  /** Environment that a login would have set. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes a file, or a folder and all in it, this user's. */
  give(path: string): Promise<void>;
}

async function own(
  path: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): Promise<void> {
  await lchown(path, uid, gid);
  const inside = await listTree(path).catch(() => []);
  for (const entry of inside) await lchown(join(path, entry.path), uid, gid);
}

/** Makes what a user was given root's again. Only root can have given it. */
export async function takeBack(path: string): Promise<void> {
  if (process.getuid?.() === 0) await own(path, ROOT);
}

export interface RunnerRequest {
  /** Empty, and there as long as the user is needed. */
  readonly folder: string;
  /** Keeps sudo where the machine has none. */
  readonly cacheDir: string;
  /** Paths of the programs to find in `bin`. */
  readonly programs: readonly string[];
  /** What the user has to be able to read. */
  readonly reads: readonly string[];
}

/**
 * The unprivileged user `runner`, whom sudo asks for no password. The machine is not changed: its accounts, sudoers
 * and, where it has none, sudo itself are laid over /etc and /usr in a mount namespace that only the user's processes
 * see. Needs root. Throws WorkbenchError RUNNER where that is not to be had, TOOL where sudo is not.
 */
export async function openRunner(
  { folder, cacheDir, programs, reads }: RunnerRequest,
  world: World,
): Promise<RunnerUser> {
  if (process.getuid?.() !== 0) {
    throw new WorkbenchError("RUNNER", "jobs can run as the user runner only where root starts them", {
      fix: "run it as root, or leave that out: jobs then run as you, and become root through your sudo",
    });
  }
  const sudo = await sudoTree(cacheDir, world);
  const [etc, home, bin] = [join(folder, "etc"), join(folder, "home"), join(folder, "bin")];
  for (const path of [etc, home, bin, join(folder, "before")]) await mkdir(path);
  const [passwd, group] = await Promise.all(
    ["/etc/passwd", "/etc/group"].map((path) => readFile(path, "utf8")),
  );
  const accounts = withRunner({ passwd: passwd ?? "", group: group ?? "" }, home);
  await writeFile(join(etc, "passwd"), accounts.passwd, { mode: 0o644 });
  await writeFile(join(etc, "group"), accounts.group, { mode: 0o644 });
  await writeFile(join(etc, "sudoers"), SUDOERS, { mode: 0o440 });
  for (const program of programs) {
    const at = join(bin, basename(program));
    // Copied where the scratch is on another disk.
    await link(program, at).catch(() => copyFile(program, at));
  }
  for (const path of [folder, etc, bin]) await chmod(path, 0o755);
  await chown(home, accounts.uid, accounts.gid);
  const enter = [
    "sh",
    join(import.meta.dirname, "enter.sh"),
    String(accounts.uid),
    String(accounts.gid),
    folder,
    sudo ?? "",
  ];
  const user: RunnerUser = {
    bin,
    command: (argv) => ["unshare", "--mount", ...enter, ...argv],
    env: { USER: RUNNER, LOGNAME: RUNNER },
    give: (path) => own(path, accounts),
  };
  await probe(user, reads, world);
  return user;
}

async function probe(user: RunnerUser, reads: readonly string[], world: World): Promise<void> {
  const answer = async (...argv: [string, ...string[]]): Promise<string | undefined> => {
    const { exitCode, stderr } = await world.processes.run({
      argv: user.command(argv),
      ...{ timeoutMs: PROBE_MS, signal: world.signal, accept: [0, 1, 2, 32, 126, 127] },
    });
    return exitCode === 0 ? undefined : stderr.trim();
  };
  for (const path of reads) {
    if ((await answer("test", "-r", path)) === undefined) continue;
    throw new WorkbenchError("RUNNER", `the user runner cannot read ${path}`, {
      fix: `let others into the folders above it (chmod o+x), or use a checkout that lies elsewhere`,
    });
  }
  const refused = await answer("sudo", "-n", "true");
  if (refused === undefined) return;
  throw new WorkbenchError("RUNNER", `the user runner cannot become root through sudo: ${refused}`, {
    fix: "see whether this machine lets root mount overlays (grep overlay /proc/filesystems), and has PAM",
  });
}
