import { chmod, link, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sha256OfFile } from "../../../lib/external/files.ts";
import { processes } from "../../../lib/external/process.ts";
import { canonicalTarArguments } from "../../../lib/image/provision/canonical-tar.ts";

const EPOCH = 1_760_000_000;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "canonical-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function makeTree(name: string, names: readonly string[], newest: number): Promise<string> {
  const root = join(folder, name);
  await mkdir(root);
  for (const file of names) await writeFile(join(root, file), `content of ${file}\n`);
  await chmod(join(root, "b"), 0o640);
  await link(join(root, "a"), join(root, "hard"));
  await symlink("a", join(root, "soft"));
  await mkdir(join(root, "lost+found"));
  await utimes(join(root, "a"), 1_700_000_000, 1_700_000_000.25);
  await utimes(join(root, "b"), newest, newest);
  return root;
}

async function pack(root: string): Promise<string> {
  const output = `${root}.tar`;
  const argv = ["tar", ...canonicalTarArguments(EPOCH), "--file", output, "--directory", root, "."] as const;
  await processes.run({ argv, env: { LC_ALL: "C" }, timeoutMs: 30_000 });
  return output;
}

describe("canonicalTarArguments", () => {
  test("the same content gives the same bytes, made in another order at another time", async () => {
    const one = await pack(await makeTree("one", ["a", "b", "c"], EPOCH + 5));
    const other = await pack(await makeTree("other", ["c", "b", "a"], EPOCH + 5_000));
    expect(await sha256OfFile(other)).toBe(await sha256OfFile(one));
  });

  test("times up to the epoch are kept, later ones become the epoch; lost+found is left out", async () => {
    const output = await pack(await makeTree("one", ["a", "b"], EPOCH + 5));
    const argv = ["tar", "--list", "--verbose", "--full-time", "--utc", "--file", output] as const;
    const { stdout } = await processes.run({ argv, timeoutMs: 30_000 });
    expect(stdout).toMatch(/2023-11-14 22:13:20\.25\d* +\.\/a$/m);
    expect(stdout).toMatch(/2025-10-09 08:53:20 +\.\/b$/m);
    expect(stdout).not.toContain("lost+found");
  });

  test.each([-1, 1.5, Number.NaN])("refuses %s as an epoch", (epoch) => {
    expect(() => canonicalTarArguments(epoch)).toThrow(/whole seconds/);
  });
});
