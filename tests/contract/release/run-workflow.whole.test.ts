import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openGithubApi } from "../../../lib/external/github-api.ts";
import { WORKFLOW_WAITS } from "../../../lib/release/limits.ts";
import { runWorkflow } from "../../../lib/release/run-workflow.ts";
import { type FakeGithub, startGithub } from "../../../workbench/github/server.ts";
import { quietReporter } from "../../unit/image/quiet-reporter.ts";

const limits = { stallMs: 5_000, totalMs: 20_000, maxAnswerBytes: 1024 * 1024 };
const request = { workflow: "manifest.yml", ref: "main", inputs: { change: "release", version: "v1.0.0" } };

let github: FakeGithub;
beforeEach(async () => {
  github = await startGithub();
});
afterEach(() => github.close());

/** Time passes only by waiting; `onSleep` is told how often it was waited. */
function run(onSleep: (times: number) => void = () => undefined, { reporter } = quietReporter()) {
  let [now, times] = [Date.now(), 0];
  const clock = {
    now: () => now,
    elapsed: () => now,
    sleep: async (ms: number) => {
      now += ms;
      times += 1;
      onSleep(times);
    },
  };
  const { owner, repo } = github.repository;
  const world = { clock, signal: new AbortController().signal };
  const { apiUrl, token } = github;
  const api = openGithubApi({ owner, repo, token, apiUrl, limits }, world);
  return runWorkflow(api, request, world, reporter);
}

describe("another workflow", () => {
  test("is started with its inputs and waited for", async () => {
    const done = await run((times) => {
      const [first] = github.repository.runs;
      if (times === 3 && first !== undefined) first.conclusion = "success";
    });
    expect(done.conclusion).toBe("success");
    expect(github.repository.runs).toMatchObject([
      { workflow: "manifest.yml", ref: "main", inputs: { change: "release", version: "v1.0.0" } },
    ]);
    expect(github.problems).toEqual([]);
  });

  test("is started again where a newer run pushed it out of the queue", async () => {
    github.repository.onDispatch = (one) => {
      one.conclusion = github.repository.runs.length === 1 ? "cancelled" : "success";
    };
    expect((await run()).conclusion).toBe("success");
    expect(github.repository.runs).toHaveLength(2);
  });

  test.each([
    ["failure", 1],
    ["cancelled", WORKFLOW_WAITS.starts],
  ])("that ends with %s is an error that names its page", async (conclusion, starts) => {
    github.repository.onDispatch = (one) => {
      one.conclusion = conclusion;
    };
    await expect(run()).rejects.toMatchObject({
      code: "WORKFLOW",
      message: expect.stringMatching(new RegExp(`ended with ${conclusion}: https://.*/actions/runs/\\d+`)),
    });
    expect(github.repository.runs).toHaveLength(starts);
  });

  test("is not waited for without end", async () => {
    await expect(run()).rejects.toMatchObject({
      code: "WORKFLOW",
      message: expect.stringContaining("was not over after 25 minutes"),
    });
  });

  test("that waits for approval all the time is left to it, with a warning that says where", async () => {
    github.repository.onDispatch = (one) => {
      one.status = "waiting";
    };
    const quiet = quietReporter();
    const left = await run(undefined, quiet);
    expect(left).toMatchObject({ conclusion: undefined, waits: true });
    expect(quiet.said.at(-1)).toMatch(
      /^manifest\.yml still waits for approval after 25 minutes.*"Review deployments": https:\/\/\S+\/actions\/runs\/\d+/,
    );
    expect(github.repository.runs).toHaveLength(1);
    expect(github.problems).toEqual([]);
  });

  test("that is approved in time is waited for as any other", async () => {
    github.repository.onDispatch = (one) => {
      one.status = "waiting";
    };
    const quiet = quietReporter();
    const done = await run((times) => {
      const [first] = github.repository.runs;
      if (first !== undefined && times === 100) first.conclusion = "success";
    }, quiet);
    expect(done.conclusion).toBe("success");
    expect(quiet.said).toHaveLength(1);
  });
});
