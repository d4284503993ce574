import { join, resolve } from "node:path";
import { shapeBuilds } from "../../lib/cluster/compile.ts";
import { loadDefinition } from "../../lib/cluster/load.ts";
import { assetsRoot } from "../../lib/external/assets.ts";
import { type GithubApi, openGithubApi, type WorkflowRun } from "../../lib/external/github-api.ts";
import type { GithubWaits } from "../../lib/external/github-client.ts";
import { withScratch } from "../../lib/external/scratch.ts";
import type { World } from "../../lib/external/world.ts";
import type { ToolsTree } from "../../lib/image/tools/tree.ts";
import { throwAway } from "../../lib/keys/certificates.ts";
import type { Secrets } from "../../lib/keys/places.ts";
import type { ProjectKeys } from "../../lib/manifest/project-keys.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";
import { type Attested, attestProvenance } from "../../lib/release/attest.ts";
import { buildRows, planBuilds } from "../../lib/release/carry-over.ts";
import { chooseVersion } from "../../lib/release/choose-version.ts";
import { CALL_LIMITS } from "../../lib/release/limits.ts";
import { openPrevious, openTagged, type Trust } from "../../lib/release/lookup.ts";
import { openStore } from "../../lib/release/open-store.ts";
import { type PreparedRelease, prepareRelease } from "../../lib/release/prepare.ts";
import { servicesFor } from "../../lib/release/provenance.ts";
import { publishRelease } from "../../lib/release/publish-release.ts";
import { runWorkflow } from "../../lib/release/run-workflow.ts";
import type { ReleaseStore, StoredRelease } from "../../lib/release/store.ts";
import { parseVersion, type Version } from "../../lib/release/version.ts";
import { warnOfUnpublished, waypointsOf } from "../../lib/release/waypoints.ts";
import { backportOf } from "../runner/backport.ts";
import { ActionError } from "../runner/failure.ts";
import type { GithubContext } from "../runner/github.ts";
import { keysOfJob } from "../runner/keys.ts";
import { addSummary, writeOutputs } from "../runner/outputs.ts";
import { fetchBuilds } from "./builds.ts";
import { type Inputs, outputs } from "./interface.ts";
import { releaseSummary } from "./summary.ts";

export interface Surroundings {
  readonly workspace: string;
  readonly temporary: string;
  readonly cacheDir: string;
  readonly context: GithubContext;
  readonly token: string;
  readonly secrets: Secrets;
  /** Needed for new bundles only, so made when the first one is signed. */
  readonly tools: () => Promise<ToolsTree>;
  /** The distance between calls to GitHub; shorter in tests only. */
  readonly waits?: GithubWaits;
}

/** Everything known before a file is touched. */
interface Order {
  readonly inputs: Inputs;
  readonly around: Surroundings;
  readonly cluster: string;
  /** Of all builds of the definition. */
  readonly ids: readonly string[];
  readonly waypoints: readonly Version[];
  readonly version: Version;
  readonly store: ReleaseStore;
  readonly stored: readonly StoredRelease[];
  readonly keys: ProjectKeys;
  readonly trust: Trust;
  readonly api: GithubApi;
}

/** Throws ActionError INPUT. */
export function refuseContradictions(inputs: Inputs): void {
  const others = inputs["rekor-url"] ?? inputs["tsa-url"];
  if (others !== undefined && inputs["fulcio-url"] === undefined) {
    throw new ActionError("INPUT", "inputs `rekor-url` and `tsa-url` belong to a `fulcio-url`", {
      fix: "name all services, or none of them",
    });
  }
}

/**
 * Publishes the release, or finds it published, and tells the workflow. Converges: what an earlier run finished is
 * compared and left. Throws ReleaseError, KeyError, ActionError, ArtifactError, GithubError, SigstoreError.
 */
export async function run(
  inputs: Inputs,
  around: Surroundings,
  world: World,
  reporter: Reporter,
): Promise<void> {
  const order = await readOrder(inputs, around, world, reporter);
  const { tag } = order.version;
  const isPublished = order.stored.some((one) => one.tag === tag && !one.draft);
  const done = isPublished ? await confirm(order, reporter) : await publish(order, world, reporter);
  const announced = await announce(order, world, reporter);
  const { serverUrl, owner, repo } = around.context;
  const repository = `${owner}/${repo}`;
  const url = `${serverUrl}/${repository}/releases/tag/${tag}`;
  writeOutputs(outputs, {
    ...{ tag, url, published: String(!isPublished), assets: JSON.stringify(done.assets) },
    attestation: done.attested?.kind === "attested" ? String(done.attested.id) : "",
  });
  const told = { ...done, repository, tag, url, published: !isPublished, manifest: announced };
  await addSummary(releaseSummary(told));
}

async function readOrder(
  inputs: Inputs,
  around: Surroundings,
  world: World,
  reporter: Reporter,
): Promise<Order> {
  const file = resolve(around.workspace, inputs.definition);
  const { definition } = await loadDefinition(assetsRoot, file);
  const { cluster } = definition;
  const { owner, repo, apiUrl, serverUrl } = around.context;
  const { token, cacheDir, secrets } = around;
  const waits = around.waits === undefined ? {} : { waits: around.waits };
  parseVersion(inputs.version);
  const env = { GITHUB_TOKEN: token, GITHUB_API_URL: apiUrl, GITHUB_SERVER_URL: serverUrl };
  const store = openStore({ kind: "github", owner, repo }, { env, ...waits }, world);
  const stored = await store.releases();
  const published = stored.filter(({ draft }) => !draft).map(({ tag }) => tag);
  const question = { wanted: inputs.version, headTags: [], published, ...backportOf(inputs) };
  const { version } = chooseVersion(question);
  const now = new Date(world.clock.now());
  const keys = await keysOfJob(file, cluster, secrets, now);
  const { ca } = keys.keys.signing(now);
  reporter.info(`${version.tag} for ${version.channel}, to ${store.place}`);
  const waypoints = waypointsOf(definition);
  for (const warning of warnOfUnpublished(waypoints, version, published)) reporter.warn(warning);
  return {
    ...{ inputs, around, cluster, version, store, stored, keys, waypoints },
    ids: shapeBuilds(definition).map(({ id }) => id),
    trust: { ca, scratch: join(cacheDir, "scratch"), now },
    api: openGithubApi({ owner, repo, token, apiUrl, limits: CALL_LIMITS }, world),
  };
}

/** What is told at the end. */
interface Done {
  readonly document: PreparedRelease["document"];
  readonly assets: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  readonly attested: Attested | undefined;
}

async function confirm({ store, stored, version, trust, around }: Order, reporter: Reporter): Promise<Done> {
  const wanted = { tag: version.tag, commit: around.context.sha };
  const { document } = await openTagged(store, stored, wanted, trust);
  reporter.info(`${version.tag} is published already, from this commit: nothing is uploaded`);
  return { document, assets: document.assets, attested: undefined };
}

async function publish(order: Order, world: World, reporter: Reporter): Promise<Done> {
  const { around, version, store, cluster } = order;
  return withScratch(join(around.temporary, "home-pi-release"), "builds-", async (folder) => {
    const prepared = await prepare(order, folder, world, reporter);
    const attested = await attest(order, prepared, world, reporter);
    const { notes, assets, document } = prepared;
    const details = {
      ...{ tag: version.tag, commit: around.context.sha, title: `${cluster} ${version.tag}` },
      ...{ notes, prerelease: version.prerelease },
    };
    await publishRelease({ store, details, assets }, world, reporter);
    return { document, attested, assets: assets.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })) };
  });
}

async function prepare(
  order: Order,
  folder: string,
  world: World,
  reporter: Reporter,
): Promise<PreparedRelease> {
  const { around, version, store, stored, trust, cluster, keys, waypoints } = order;
  const packed = await fetchBuilds(order.ids, version, folder, reporter);
  const previous = await openPrevious(store, stored, version, trust);
  const planned = packed.map(({ id, info: { profile, board, buildId } }) => ({
    id,
    profile,
    board,
    buildId,
  }));
  const releases = planBuilds(cluster, planned, previous?.document);
  for (const row of buildRows(releases, version)) reporter.info(row.join("  "));
  const builds = releases.map((release) => {
    const own = packed.find(({ id }) => id === release.build.id);
    return { release, ...(own === undefined ? {} : { packed: own }) };
  });
  const { cacheDir, context } = around;
  const { development } = keys.keys;
  return prepareRelease(
    {
      ...{ cluster, version, commit: context.sha, development, waypoints, builds, previous },
      caShown: "keys/ca.pem",
    },
    {
      ...{ tools: await around.tools(), cacheDir, world, reporter, identity: keys.keys.signing(trust.now) },
      machine: "raspi3b",
      throwAway: () => throwAway(trust.now, cluster),
    },
  );
}

async function attest(
  { inputs, around, api }: Order,
  { assets }: PreparedRelease,
  world: World,
  reporter: Reporter,
): Promise<Attested | undefined> {
  if (inputs.attest === "off") return undefined;
  const { idToken, serverUrl, visibility } = around.context;
  const { "fulcio-url": fulcioUrl, "rekor-url": rekorUrl, "tsa-url": tsaUrl } = inputs;
  const own = {
    ...(rekorUrl === undefined ? {} : { rekorUrl }),
    ...(tsaUrl === undefined ? {} : { tsaUrl }),
  };
  const services = fulcioUrl === undefined ? servicesFor(visibility) : { fulcioUrl, ...own };
  return reporter.step("attest", {}, () =>
    attestProvenance({ api, idToken, services, serverUrl, subjects: assets }, world, reporter),
  );
}

/** Nodes are told by the one workflow that holds their keys. Returns its run. */
async function announce(
  { inputs, version, api }: Order,
  world: World,
  reporter: Reporter,
): Promise<WorkflowRun | undefined> {
  const workflow = inputs["manifest-workflow"];
  if (workflow === undefined) return undefined;
  const request = {
    workflow,
    ref: inputs["manifest-ref"],
    inputs: { change: "release", version: version.tag },
  };
  return reporter.step(`run ${workflow}`, {}, () => runWorkflow(api, request, world, reporter));
}
