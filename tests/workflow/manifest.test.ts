import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FakeGithub, startGithub } from "../../workbench/github/server.ts";
import { git } from "../contract/actions/repository.ts";
import { ownRepository, resultsOf, start } from "./by-hand.ts";
import { releaseExample } from "./example-release.ts";

let own: Awaited<ReturnType<typeof ownRepository>>;
let github: FakeGithub;
beforeAll(async () => {
  own = await ownRepository();
  github = await startGithub();
});
afterAll(async () => {
  await github.close();
  await own.scenario.remove();
  await own.cluster.remove();
});

const run = (inputs: Readonly<Record<string, string>>, more: { secrets?: Record<string, string> } = {}) => {
  const { PI_KEY_TARGETS = "", PI_KEY_ONLINE = "" } = own.cluster.secrets;
  const secrets = { PI_KEY_TARGETS, PI_KEY_ONLINE };
  const { apiUrl, token } = github;
  return start(own, { workflow: "manifest.yml", inputs, apiUrl, token, secrets, ...more });
};
const subjects = async (): Promise<string[]> =>
  (await git(own.cluster.remote, "log", "--format=%s", "manifest")).split("\n");

/** Another writer is faster than the next push, once: moves the branch while git takes the push in. */
async function outrunNextPush(): Promise<void> {
  const hook = join(own.cluster.remote, "hooks", "pre-receive");
  const script = [
    "#!/bin/sh",
    "set -eu",
    "test -e outrun && exit 0",
    "touch outrun",
    "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES",
    'author="-c user.name=other -c user.email=other@example.org"',
    'new=$(git $author commit-tree "refs/heads/manifest^{tree}" -p refs/heads/manifest -m "Somebody else")',
    'git update-ref refs/heads/manifest "$new"',
  ];
  await writeFile(hook, `${script.join("\n")}\n`);
  await chmod(hook, 0o755);
}

describe("manifest.yml", () => {
  test("renews what expires, and says in the summary what nodes find", async () => {
    const done = await run({ change: "refresh" });
    expect(resultsOf(done), done.log).toEqual({ manifest: "success", "all-green": "success" });
    expect(await subjects()).toEqual(["Refresh"]);
    expect(done.summaries.join("\n")).toContain("Update manifest: refresh");
    expect(github.repository.enabled).toEqual(["manifest.yml"]);
    expect(done.log).not.toContain("PRIVATE KEY");
  });

  test("refuses a block without a reason, with a message", async () => {
    const done = await run({ change: "block", version: "v1.0.0" });
    expect(resultsOf(done)).toEqual({ manifest: "failure", "all-green": "failure" });
    expect(done.annotations.map(({ text }) => text).join("\n")).toContain("needs the input `reason`");
    expect(await subjects()).toEqual(["Refresh"]);
  });

  test("signs nothing without its secrets", async () => {
    const done = await run({ change: "refresh" }, { secrets: {} });
    // Nothing is due yet, so nothing has to be signed; a change would need a key.
    expect(resultsOf(done).manifest, done.log).toBe("success");
    expect(await subjects()).toEqual(["Refresh"]);
  });

  test("is refused by git when the remote moved meanwhile, and plans anew on what is there", async () => {
    await releaseExample(own.cluster, "v1.0.0");
    await outrunNextPush();
    const done = await run({ change: "block", version: "v1.0.0", reason: "loses its clock" });
    expect(resultsOf(done), done.log).toEqual({ manifest: "success", "all-green": "success" });
    expect(done.log).toContain("planned anew: block 1.0.0 for every image: loses its clock");
    expect(await subjects()).toEqual(["Block 1.0.0", "Somebody else", "Release v1.0.0", "Refresh"]);
  });
});
