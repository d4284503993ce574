import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { inputs as schema } from "../../../actions/publish-release/interface.ts";
import { run } from "../../../actions/publish-release/main.ts";
import { githubContext } from "../../../actions/runner/github.ts";
import { readInputs } from "../../../actions/runner/inputs.ts";
import { processes } from "../../../lib/external/process.ts";
import { takeSecrets } from "../../../lib/keys/places.ts";
import type { ReleaseDocument } from "../../../lib/release/document.ts";
import { type FakeGithub, startGithub } from "../../../workbench/github/server.ts";
import { type FakeResults, startResults } from "../../../workbench/results/server.ts";
import { type FakeSigstore, startSigstore } from "../../../workbench/sigstore.ts";
import { quietReporter } from "../../unit/image/quiet-reporter.ts";
import { type FinishedBuild, toolsWithRauc, uploadBuild } from "./finished-builds.ts";
import { type OwnCluster, ownCluster } from "./own-cluster.ts";
import { runAction } from "./run-action.ts";

const COMMIT = "c".repeat(40);
const world = {
  processes,
  signal: new AbortController().signal,
  clock: { now: () => Date.now(), elapsed: () => performance.now(), sleep: async () => undefined },
};

let cluster: OwnCluster;
let sigstore: FakeSigstore;
let github: FakeGithub;
let results: FakeResults;
beforeAll(async () => {
  cluster = await ownCluster();
  sigstore = await startSigstore({ sub: "repo:someone/cluster", repository: "someone/cluster", sha: COMMIT });
});
beforeEach(async () => {
  github = await startGithub();
  results = await startResults(join(cluster.folder, "blobs"));
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const env = {
    ...{ GITHUB_REPOSITORY: "someone/cluster", GITHUB_API_URL: github.apiUrl, GITHUB_SHA: COMMIT },
    GITHUB_STEP_SUMMARY: join(cluster.folder, "summary.md"),
    ...{ GITHUB_SERVER_URL: "https://github.com", GITHUB_WORKSPACE: cluster.workspace, GITHUB_OUTPUT: "" },
    ...sigstore.environment,
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await results.close();
  await github.close();
});
afterAll(async () => {
  await sigstore.close();
  await cluster.remove();
});

const BOTH: readonly FinishedBuild[] = [
  { profile: "server", content: "one" },
  { profile: "agent", content: "one" },
];

/** A run of the workflow: its builds, then the action as its index starts it, as root. */
async function publish(
  name: string,
  builds: readonly FinishedBuild[],
  inputs: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  for (const [key, value] of Object.entries(results.environment(name))) vi.stubEnv(key, value);
  const given = {
    version: name.replace(/_.*/, ""),
    "fulcio-url": sigstore.url,
    "rekor-url": sigstore.url,
    ...inputs,
  };
  for (const key of Object.keys(schema.shape)) vi.stubEnv(`INPUT_${key.toUpperCase()}`, undefined);
  for (const [key, value] of Object.entries(given)) vi.stubEnv(`INPUT_${key.toUpperCase()}`, value);
  const temporary = join(cluster.folder, "temp");
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  for (const build of builds) await uploadBuild(join(temporary, "built"), given.version.slice(1), build);
  const { reporter, said } = quietReporter();
  const around = {
    ...{ workspace: cluster.workspace, temporary, cacheDir: join(temporary, "cache"), token: github.token },
    context: githubContext(process.env),
    secrets: takeSecrets({ ...cluster.secrets }),
    waits: { secondMs: 1, spaced: false },
    tools: () => toolsWithRauc(join(temporary, "tools")),
  };
  await run(readInputs(schema), around, world, reporter);
  return said;
}

function documentOf(tag: string): ReleaseDocument {
  const release = github.repository.releases.find((one) => one.tag === tag);
  const asset = release?.assets.find(({ name }) => name === "release.json");
  return JSON.parse(asset?.content?.toString("utf8") ?? "null") as ReleaseDocument;
}

const uploads = (): number => github.exchanges.filter((line) => line.startsWith("upload ")).length;

describe("a release from the builds of other jobs", () => {
  test("is published, attested and told; a second run changes nothing; the next one carries over", async () => {
    await publish("v1.0.0", BOTH);
    const [release] = github.repository.releases;
    expect(release).toMatchObject({ tag: "v1.0.0", draft: false, target: COMMIT });
    expect(release?.assets.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["SHA256SUMS", "SHA256SUMS.p7s", "home-agent-rpi-arm64-1.0.0.raucb"]),
    );
    expect(documentOf("v1.0.0").builds[0]?.boot).toEqual({
      machine: "raspi3b",
      checks: 1,
      loginSeconds: 61.2,
    });
    const statement = sigstore.verify(github.repository.attestations[0]);
    expect(statement).toMatchObject({
      subject: expect.arrayContaining([{ name: "release.json", digest: expect.anything() }]),
    });

    // As it is copied into a terminal.
    expect(await readFile(join(cluster.folder, "summary.md"), "utf8")).toContain(
      "`gh attestation verify FILE --repo someone/cluster`",
    );

    const sent = uploads();
    expect(await publish("v1.0.0_again", BOTH)).toContain(
      "v1.0.0 is published already, from this commit: nothing is uploaded",
    );
    expect(uploads()).toBe(sent);

    github.repository.onDispatch = (run) => {
      run.conclusion = "success";
    };
    await publish(
      "v1.1.0",
      [
        { profile: "server", content: "one" },
        { profile: "agent", content: "two" },
      ],
      {
        "manifest-workflow": "manifest.yml",
      },
    );
    expect(documentOf("v1.1.0").builds.map(({ id, version }) => [id, version])).toEqual([
      ["server-rpi-arm64", "1.0.0"],
      ["agent-rpi-arm64", "1.1.0"],
    ]);
    expect(github.repository.runs).toMatchObject([
      { workflow: "manifest.yml", ref: "main", inputs: { change: "release", version: "v1.1.0" } },
    ]);
    expect(github.problems).toEqual([]);
    expect(results.problems).toEqual([]);
  });

  test("heals after an upload that failed in the middle", async () => {
    const name = "home-agent-rpi-arm64-1.0.0.img.zst";
    for (let tries = 0; tries < 5; tries += 1)
      github.faults.push({ on: "upload", do: "502-with-starter", name });
    await expect(publish("v1.0.0", BOTH)).rejects.toMatchObject({ code: "SERVER" });
    expect(github.repository.releases[0]?.draft).toBe(true);
    const server = github.exchanges.filter((line) =>
      line.startsWith("upload home-server-rpi-arm64-1.0.0.img.zst"),
    );
    await publish("v1.0.0_again", BOTH);
    expect(github.repository.releases).toHaveLength(1);
    expect(github.repository.releases[0]?.draft).toBe(false);
    // What is up and the same is not sent again.
    expect(
      github.exchanges.filter((line) => line.startsWith("upload home-server-rpi-arm64-1.0.0.img.zst")),
    ).toEqual(server);
  });

  test("is not made of half the images", async () => {
    await expect(publish("v1.0.0", BOTH.slice(0, 1))).rejects.toMatchObject({
      code: "BUILDS",
      message: expect.stringContaining("image-agent-rpi-arm64, boot-agent-rpi-arm64"),
    });
    expect(github.repository.releases).toEqual([]);
  });

  test.each([
    ["failed", "it did not pass its boot test"],
    ["another image", "another image was booted"],
  ] as const)("is not made where the boot test's verdict is: %s", async (booted, message) => {
    const builds = [
      { profile: "server", content: "one" },
      { profile: "agent", content: "one", booted },
    ];
    await expect(publish("v1.0.0", builds)).rejects.toMatchObject({
      code: "DOCUMENT",
      message: expect.stringContaining(message),
    });
    expect(github.repository.releases).toEqual([]);
  });

  test("is not made below what the channel offers, unless the input says that it is a backport", async () => {
    await publish("v1.1.0", BOTH);
    await expect(publish("v1.0.5", BOTH)).rejects.toMatchObject({
      ...{ code: "VERSION", message: expect.stringContaining("v1.0.5 comes before v1.1.0") },
      fix: expect.stringMatching(/`backport`.*rebuild/),
    });
    await publish("v1.0.5", BOTH, { backport: "true" });
    expect(github.repository.releases.map(({ tag }) => tag)).toEqual(["v1.1.0", "v1.0.5"]);
  });

  test("is not made of a tag that was moved", async () => {
    github.repository.tags.set("v1.0.0", { commit: "d".repeat(40), annotated: true });
    await expect(publish("v1.0.0", BOTH)).rejects.toMatchObject({ code: "CONFLICT" });
    expect(github.repository.releases).toEqual([]);
  });
});

describe("the bundle, started as the runner does", () => {
  test.each([
    [{}, "input `version`: is required"],
    [{ version: "v1.0.0", backport: "maybe" }, "input `backport`"],
    [{ version: "v1.0.0", "rekor-url": "https://rekor.example" }, "belong to a `fulcio-url`"],
    [{ version: "v1.0.0" }, "input `token`: is required"],
  ])("with %j is refused in a moment", async (inputs, message) => {
    vi.restoreAllMocks();
    const files = join(cluster.folder, "runner");
    await rm(files, { recursive: true, force: true });
    await mkdir(files);
    const ended = await runAction("publish-release", inputs, files, cluster.workspace);
    expect(ended.exitCode).toBe(1);
    expect(ended.lines.join("\n")).toContain(message);
  });
});
