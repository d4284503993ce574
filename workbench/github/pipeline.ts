import type { OperationName } from "./faults.ts";
import type { Ask, Reply, Route } from "./operations.ts";
import { errorRecord } from "./records.ts";
import type { FakeRepository, FakeRun } from "./repository.ts";
import { workflowRunRecord } from "./run-record.ts";

const REPOSITORY = "/repos/{owner}/{repo}";
const WORKFLOW = `${REPOSITORY}/actions/workflows/{workflow_id}`;

/** Settings that `./pi doctor --github` asks for. */
const SETTINGS = [
  "",
  "/actions/permissions",
  "/actions/permissions/workflow",
  "/environments/{environment_name}",
  "/environments/{environment_name}/deployment-branch-policies",
  "/environments/{environment_name}/secrets",
  "/immutable-releases",
  "/pages",
] as const;

/** What of the API beside releases this fake speaks. */
export const PIPELINE_ROUTES: readonly Route[] = [
  { operation: "attest", method: "POST", template: `${REPOSITORY}/attestations` },
  { operation: "dispatch", method: "POST", template: `${WORKFLOW}/dispatches` },
  { operation: "enable", method: "PUT", template: `${WORKFLOW}/enable` },
  { operation: "run", method: "GET", template: `${REPOSITORY}/actions/runs/{run_id}` },
  ...SETTINGS.map((path): Route => ({ operation: "setting", method: "GET", template: REPOSITORY + path })),
];

const missing: Reply = { status: 404, body: errorRecord("Not Found") };

export type PipelineOperation = Extract<OperationName, "attest" | "dispatch" | "enable" | "run" | "setting">;

export function performPipeline(operation: PipelineOperation, ask: Ask, repository: FakeRepository): Reply {
  const { params, body, path, writes } = ask;
  if (operation === "setting") {
    const place = path.replace(`/repos/${repository.owner}/${repository.repo}`, "");
    const setting = repository.settings.get(place);
    return setting === undefined ? missing : { status: 200, body: setting };
  }
  if (operation === "run") {
    const run = repository.runs.find(({ id }) => id === Number(params.run_id));
    return run === undefined ? missing : { status: 200, body: workflowRunRecord(repository, run) };
  }
  if (!writes) return missing;
  if (operation === "enable") {
    repository.enabled.push(params.workflow_id ?? "");
    return { status: 204 };
  }
  if (operation === "attest") {
    repository.attestations.push((body as { bundle: unknown }).bundle);
    return { status: 201, body: { id: repository.attestations.length } };
  }
  return dispatch(params.workflow_id ?? "", body as DispatchFields, repository);
}

interface DispatchFields {
  readonly ref: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

function dispatch(workflow: string, { ref, inputs = {} }: DispatchFields, repository: FakeRepository): Reply {
  const run: FakeRun = { id: repository.nextId++, workflow, ref, inputs, conclusion: undefined };
  repository.runs.push(run);
  repository.onDispatch?.(run);
  const { owner, repo } = repository;
  const url = `https://api.github.example/repos/${owner}/${repo}/actions/runs/${run.id}`;
  const page = `https://github.example/${owner}/${repo}/actions/runs/${run.id}`;
  return { status: 200, body: { workflow_run_id: run.id, run_url: url, html_url: page } };
}
