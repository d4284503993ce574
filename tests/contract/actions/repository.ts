import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { processes } from "../../../lib/external/process.ts";

/** Runs git as somebody, without anybody's settings. Returns what it printed. */
export async function git(cwd: string, ...argv: readonly string[]): Promise<string> {
  const author = [
    "-c",
    "user.name=test",
    "-c",
    "user.email=test@example.org",
    "-c",
    "init.defaultBranch=main",
  ];
  const result = await processes.run({
    argv: ["git", ...author, ...argv],
    cwd,
    env: { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
    timeoutMs: 60_000,
  });
  return result.stdout.trim();
}

/** Writes files, keyed by path, and commits everything. Returns the commit. */
export async function commitFiles(root: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  await git(root, "add", "-A");
  await git(root, "commit", "-q", "--allow-empty", "-m", "change");
  return git(root, "rev-parse", "HEAD");
}
