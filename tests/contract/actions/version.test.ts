import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compareWithPublished } from "../../../actions/compile-profiles/version.ts";
import { JOB_TOKEN } from "../../../actions/runner/github.ts";
import { realWorld } from "../../../lib/external/world.ts";
import type { FakeRelease } from "../../../workbench/github/repository.ts";
import { type FakeGithub, startGithub } from "../../../workbench/github/server.ts";
import { quietReporter } from "../../unit/image/quiet-reporter.ts";

const [OURS, OTHER] = ["c".repeat(40), "d".repeat(40)];
const world = realWorld(new AbortController().signal);

let github: FakeGithub;
beforeEach(async () => {
  github = await startGithub();
});
afterEach(() => github.close());

function publish(tag: string, commit: string, more: Partial<FakeRelease> = {}): void {
  const id = github.repository.nextId++;
  const texts = { tag, target: commit, name: tag, body: "" };
  const flags = { draft: false, prerelease: false, immutable: false };
  github.repository.releases.push({ id, ...texts, ...flags, assets: [], ...more });
  if (more.draft !== true) github.repository.tags.set(tag, { commit, annotated: true });
}

/** What the step says, where it refuses nothing. */
async function compare(
  version: string | undefined,
  given: { token?: string; backport?: boolean; apiUrl?: string } = {},
): Promise<readonly string[]> {
  const { reporter, said } = quietReporter();
  const { token = github.token, backport = false, apiUrl = github.apiUrl } = given;
  const context = { owner: "someone", repo: "cluster", apiUrl, sha: OURS };
  await compareWithPublished({ version, token, backport }, context, world, reporter);
  return said;
}

describe("a version, before anything is built for it", () => {
  test("is taken where it is above what its channel offers", async () => {
    publish("v1.0.0", OTHER);
    publish("v9.0.0", OTHER, { draft: true });
    expect(await compare("v1.0.1")).toEqual([]);
    expect(github.problems).toEqual([]);
  });

  test("is refused below that, unless it is said to be a backport", async () => {
    publish("v1.1.0", OTHER);
    await expect(compare("v1.0.5")).rejects.toMatchObject({
      ...{ code: "VERSION", message: "v1.0.5 comes before v1.1.0, which stable offers already" },
      fix: expect.stringContaining("`backport`"),
    });
    expect(await compare("v1.0.5", { backport: true })).toEqual([]);
  });

  test("that is published is taken again from its own commit, and from no other", async () => {
    publish("v1.0.0", OURS);
    publish("v1.1.0", OTHER);
    expect(await compare("v1.0.0")).toEqual([]);
    await expect(compare("v1.1.0")).rejects.toMatchObject({
      ...{ code: "CONFLICT", message: `v1.1.0 is published already, from commit ${OTHER}` },
    });
  });

  test("is refused where its tag stands on another commit", async () => {
    github.repository.tags.set("v1.0.0", { commit: OTHER, annotated: false });
    await expect(compare("v1.0.0")).rejects.toMatchObject({ code: "CONFLICT" });
  });

  test("is left to the job that publishes where GitHub cannot be asked, which is said", async () => {
    publish("v1.1.0", OTHER);
    const left = "v1.0.5 is compared with what is published only when it is published itself: ";
    expect(await compare("v1.0.5", { token: JOB_TOKEN })).toEqual([`${left}there is no token`]);
    github.faults.push({ on: "list", do: "secondary-limit", status: 429, retryAfter: 1 });
    expect(await compare("v1.0.5")).toEqual([expect.stringContaining(`${left}GitHub answered GET`)]);
  });

  test("asks nobody where there is none", async () => {
    expect(await compare(undefined)).toEqual([]);
    expect(github.exchanges).toEqual([]);
  });
});
