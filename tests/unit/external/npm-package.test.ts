import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fetchNpmPackage } from "../../../lib/external/npm-package.ts";
import { realWorld } from "../../../lib/external/world.ts";

const world = realWorld(new AbortController().signal);
const CONTENT = "a package";
const integrity = `sha512-${createHash("sha512").update(CONTENT).digest("base64")}`;
const request = { name: "some-package", version: "1.2.3", integrity, maxBytes: 4096, timeoutMs: 10_000 };

let folder: string;
const path = process.env.PATH;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "npm-"));
});
afterEach(async () => {
  process.env.PATH = path;
  await rm(folder, { recursive: true });
});

/** Puts a program named npm first on the search path. */
async function npmThat(does: string): Promise<void> {
  const bin = join(folder, "bin");
  await mkdir(bin);
  await writeFile(join(bin, "npm"), `#!/bin/sh\nset -e\n${does}\n`);
  await chmod(join(bin, "npm"), 0o755);
  process.env.PATH = `${bin}:${path}`;
}

const fetchIt = () => fetchNpmPackage({ ...request, folder: join(folder, "package") }, world);

describe("fetchNpmPackage", () => {
  it("asks npm for that version, with a cache that goes away again, and checks what comes", async () => {
    await npmThat(`echo "$*|$npm_config_cache" >"${folder}/asked"; printf '%s' '${CONTENT}' >"$4/some.tgz"`);
    expect(await readFile(await fetchIt(), "utf8")).toBe(CONTENT);
    const [asked, cache] = (await readFile(join(folder, "asked"), "utf8")).trim().split("|");
    expect(asked).toBe(`pack some-package@1.2.3 --pack-destination ${join(folder, "package")}`);
    expect(cache).toBe(join(folder, "package", "cache"));
  });

  it("lets npm run with the machine's Node, beside which its settings are, not with ours", async () => {
    await npmThat(`echo "$PATH" >"${folder}/path"; printf '%s' '${CONTENT}' >"$4/some.tgz"`);
    process.env.PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
    await fetchIt();
    const searched = (await readFile(join(folder, "path"), "utf8")).trim().split(":");
    expect(searched).not.toContain(dirname(process.execPath));
    expect(searched).toContain("/usr/bin");
  });

  it("says why in npm's words", async () => {
    await npmThat("echo 'npm error code E404' >&2; echo 'npm error no such version' >&2; exit 1");
    await expect(fetchIt()).rejects.toThrow("npm could not fetch some-package@1.2.3: no such version");
  });

  it.each([
    ["another file", `printf other >"$4/some.tgz"`, "DIGEST"],
    ["no file", "true", "DIGEST"],
    ["more than it may", `head -c 8192 /dev/zero >"$4/some.tgz"`, "FETCH"],
    ["an error", "echo 'npm error 404' >&2; exit 1", "FETCH"],
  ])("refuses %s", async (_, does, code) => {
    await npmThat(does);
    await expect(fetchIt()).rejects.toMatchObject({ code });
  });
});
