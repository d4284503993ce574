import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../../lib/external/files.ts";
import { withScratch } from "../../lib/external/scratch.ts";
import type { World } from "../../lib/external/world.ts";
import { type ActResult, runAct } from "../act.ts";
import { actBinary } from "../act-binary.ts";
import type { Fault } from "../github/faults.ts";
import { type FakeGithub, startGithub } from "../github/server.ts";
import { type FakeResults, startResults } from "../results/server.ts";
import { takeBack } from "../runner/user.ts";
import { copyCheckout, git } from "./copy.ts";
import { openKept } from "./keep.ts";
import { leaveAll, places } from "./leave.ts";
import type { Order } from "./order.ts";
import { type OwnKeys, ownKeys } from "./own-keys.ts";
import { type JobTime, watchRun } from "./watch.ts";

export interface LocalRequest {
  readonly order: Order;
  /** The checkout whose workflows run, uncommitted work included. */
  readonly checkout: string;
  /** Keeps keys, releases, manifest, artifacts and logs from run to run. Absolute. */
  readonly folder: string;
  /** Folder with finished layers. */
  readonly cacheDir: string;
  /** Folder act is kept in. */
  readonly actDir: string;
  readonly builder: "chroot" | "packer";
  /** Folder with Packer and its plugin; without it they are fetched. */
  readonly packerDir?: string | undefined;
  readonly machine: "raspi3b" | "virt";
  /** Commit a pull request is against; HEAD where nothing is said. */
  readonly base?: string;
  /** Runs the jobs as the unprivileged user `runner` with sudo, as GitHub does; needs root. Else as whoever runs this. */
  readonly asRunner?: boolean;
  /** What GitHub does wrong. */
  readonly faults?: readonly Fault[];
  /** What people who wait are shown; `all`: the tools' own output, too. */
  readonly show: (text: string) => void;
  readonly all?: boolean;
}

export interface WorkflowRun extends ActResult {
  readonly file: string;
  readonly times: readonly JobTime[];
}

export interface LocalRun {
  /** The workflow that was asked for comes first, then those it started. */
  readonly runs: readonly WorkflowRun[];
  readonly commit: string;
  /** Bytes of each file that was uploaded to a release. */
  readonly uploaded: ReadonlyMap<string, number>;
  /** What was exchanged with the stand-ins that GitHub would not have understood. */
  readonly problems: readonly string[];
}

const [OWNER, REPO] = ["someone", "cluster"];
const NAME = `${OWNER}/${REPO}`;
/** Both images built from nothing, under emulation, and booted: about five times what that takes. */
const RUN_MS = 3 * 60 * 60_000;

interface Stage {
  readonly request: LocalRequest;
  readonly repository: string;
  readonly commit: string;
  readonly keys: OwnKeys;
  readonly github: FakeGithub;
  readonly results: FakeResults;
  readonly scratch: string;
  readonly world: World;
}

/**
 * Runs a workflow of a checkout as GitHub would, on this machine: act runs the jobs, stand-ins take the release and
 * the artifacts, a bare repository takes the manifest. Throws WorkbenchError, KeyError.
 */
export async function runLocally(request: LocalRequest, world: World): Promise<LocalRun> {
  const { folder, checkout, order } = request;
  const place = places(folder);
  // First: the folders of keys are made for their owner only, with all above them that are missing.
  await mkdir(folder, { recursive: true });
  // Without the definition: where it is broken, the workflow is to say so.
  const keys = await ownKeys(place.keys, "workbench");
  if (!(await exists(place.remote))) {
    await git(world, folder, "init", "--quiet", "--bare", place.remote);
  }
  return withScratch(folder, "run-", async (scratch) => {
    await chmod(scratch, 0o755);
    const repository = join(scratch, "repository");
    const base = order.event === "pull_request" ? { base: request.base ?? "HEAD" } : {};
    const commit = await copyCheckout({ checkout, repository, more: keys.committed, ...base }, world);
    const github = await startGithub(await openKept(place.store, OWNER, REPO));
    const blobs = join(scratch, "blobs");
    const results = await startResults(blobs);
    try {
      github.faults.push(...(request.faults ?? []));
      if (order.tag !== undefined) github.repository.tags.set(order.tag, { commit, annotated: false });
      const stage = { request, repository, commit, keys, github, results, scratch, world };
      const runs = await runWithDispatches(stage);
      await leaveAll({ folder, repository: github.repository, results, blobs, runs }, world);
      const problems = [...github.problems, ...results.problems];
      return { runs, commit, uploaded: github.received, problems };
    } finally {
      if (request.asRunner === true) await takeBack(place.remote);
      await github.close();
      await results.close();
    }
  });
}

/** GitHub's part: a workflow that a workflow starts runs as well, with the secrets of its own environment. */
async function runWithDispatches(stage: Stage): Promise<WorkflowRun[]> {
  const { repository } = stage.github;
  const started: Promise<WorkflowRun>[] = [];
  repository.onDispatch = (run) => {
    const inputs = Object.fromEntries(
      Object.entries(run.inputs).map(([name, value]) => [name, String(value)]),
    );
    const order: Order = {
      ...{ file: run.workflow, event: "workflow_dispatch", ref: `refs/heads/${run.ref}` },
      ...{ tag: undefined, releases: undefined, inputs },
    };
    const whole = runOne(order, stage);
    started.push(whole);
    whole.then(
      ({ succeeded }) => {
        run.conclusion = succeeded ? "success" : "failure";
      },
      () => {
        run.conclusion = "failure";
      },
    );
  };
  const first = await runOne(stage.request.order, stage);
  return [first, ...(await Promise.all(started))];
}

async function runOne(order: Order, stage: Stage): Promise<WorkflowRun> {
  const { request, keys, github, results, commit, world } = stage;
  const watch = watchRun();
  const { builder, packerDir, machine, cacheDir } = request;
  const result = await runAct(
    {
      binary: await actBinary(request.actDir, world),
      repository: stage.repository,
      workflow: `.github/workflows/${order.file}`,
      event: order.event,
      payload: payloadOf(order, builder),
      env: {
        ...{ GITHUB_REPOSITORY: NAME, GITHUB_SERVER_URL: "https://github.com" },
        ...{ GITHUB_API_URL: github.apiUrl, GITHUB_SHA: commit },
        ...results.environment("run"),
        ...(packerDir === undefined ? {} : { PI_PACKER_DIR: packerDir }),
      },
      // Whatever is pushed to GitHub goes to the bare repository here.
      home: {
        ".gitconfig": `[url "file://${places(request.folder).remote}"]\n\tinsteadOf = https://github.com/${NAME}.git\n`,
      },
      secrets: { GITHUB_TOKEN: github.token, ...keys.secretsOf(order) },
      vars: {
        ...{ PI_CACHE: cacheDir, PI_BUILDER: builder, PI_MACHINE: machine },
        // One folder for both: here the playbooks are the own ones, and the keys are the workbench's.
        PI_PUBLISH_CACHE: cacheDir,
      },
      ...(request.asRunner === true
        ? { runner: { cacheDir: request.actDir, writes: [places(request.folder).remote] } }
        : {}),
      scratch: stage.scratch,
      timeoutMs: RUN_MS,
      onLine: (line) => {
        const told = watch.take(line) ?? (request.all === true ? watch.output(line) : undefined);
        if (told !== undefined) request.show(told);
      },
    },
    world,
  );
  return { ...result, file: order.file, times: watch.jobs() };
}

function payloadOf({ file, event, ref, inputs }: Order, builder: string): unknown {
  const repository = { default_branch: "main", full_name: NAME, visibility: "public" };
  if (event === "pull_request") {
    return { repository, pull_request: { number: 1, base: { ref: "main" }, head: { ref: "change" } } };
  }
  if (event === "push") return { repository, ref };
  // Its form's default is the builder that has to be downloaded.
  const chosen = file === "rebuild.yml" ? { builder, ...inputs } : inputs;
  return { repository, ref, inputs: chosen };
}
