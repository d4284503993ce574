import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { FakeRepository, FakeRun } from "./repository.ts";

const FILE = "@octokit/openapi/generated/api.github.com.json";
let example: Readonly<Record<string, unknown>> | undefined;

/** A run of a workflow: GitHub's own example of one, with what is known of this one. */
export function workflowRunRecord({ owner, repo }: FakeRepository, run: FakeRun): unknown {
  example ??= readExample();
  return {
    ...example,
    id: run.id,
    path: `.github/workflows/${run.workflow}`,
    head_branch: run.ref,
    event: "workflow_dispatch",
    status: run.conclusion === undefined ? (run.status ?? "in_progress") : "completed",
    conclusion: run.conclusion ?? null,
    html_url: `https://github.example/${owner}/${repo}/actions/runs/${run.id}`,
  };
}

function readExample(): Readonly<Record<string, unknown>> {
  const file = createRequire(import.meta.url).resolve(FILE);
  const { components } = JSON.parse(readFileSync(file, "utf8")) as {
    components: { examples: Record<string, { value: Record<string, unknown> }> };
  };
  const found = components.examples["workflow-run"]?.value;
  if (found === undefined) throw new Error("GitHub's description has no example of a run");
  return found;
}
