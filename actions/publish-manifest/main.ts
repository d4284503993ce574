import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { loadDefinition } from "../../lib/cluster/load.ts";
import { asset, assetsRoot } from "../../lib/external/assets.ts";
import { listFolders } from "../../lib/external/folder-digest.ts";
import { openGithubApi } from "../../lib/external/github-api.ts";
import { GithubError } from "../../lib/external/github-failure.ts";
import type { World } from "../../lib/external/world.ts";
import { files, type Secrets } from "../../lib/keys/places.ts";
import { auditHome } from "../../lib/manifest/audit.ts";
import { branchHome } from "../../lib/manifest/branch-home.ts";
import { type PlannedChange, planChange } from "../../lib/manifest/carry-out.ts";
import { describeManifest } from "../../lib/manifest/describe.ts";
import type { ManifestHome } from "../../lib/manifest/home.ts";
import type { ProjectKeys } from "../../lib/manifest/project-keys.ts";
import { publishRelease } from "../../lib/manifest/publish-release.ts";
import { approve } from "../../lib/manifest/repository/approve.ts";
import type { ManifestChange } from "../../lib/manifest/repository/change.ts";
import type { Signing } from "../../lib/manifest/repository/publish.ts";
import { refresh } from "../../lib/manifest/repository/refresh.ts";
import { signersFrom } from "../../lib/manifest/repository/signers.ts";
import type { ManifestState } from "../../lib/manifest/repository/state.ts";
import { block, unblock } from "../../lib/manifest/repository/targets.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";
import { CALL_LIMITS } from "../../lib/release/limits.ts";
import { openTagged } from "../../lib/release/lookup.ts";
import { openStore } from "../../lib/release/open-store.ts";
import { parseVersion } from "../../lib/release/version.ts";
import { ActionError } from "../runner/failure.ts";
import type { GithubContext } from "../runner/github.ts";
import { keysOfJob } from "../runner/keys.ts";
import { addSummary, writeOutputs } from "../runner/outputs.ts";
import { gitLogin } from "./git-login.ts";
import { type Inputs, outputs } from "./interface.ts";
import { manifestSummary } from "./summary.ts";

export interface Surroundings {
  readonly workspace: string;
  readonly temporary: string;
  readonly context: GithubContext;
  readonly token: string;
  readonly secrets: Secrets;
}

/** Which inputs belong to which change. Throws ActionError INPUT. */
export function refuseContradictions({ change, version, reason, profile }: Inputs): void {
  const refuse = (message: string, fix: string): ActionError => new ActionError("INPUT", message, { fix });
  const needsVersion = change === "release" || change === "block" || change === "unblock";
  if (needsVersion && version === undefined) {
    throw refuse(`change \`${change}\` needs the input \`version\``, "set it: v1.2.3");
  }
  if (!needsVersion && version !== undefined) {
    throw refuse(`change \`${change}\` takes no \`version\`, not \`${version}\``, "leave it out");
  }
  if (change === "block" && reason === undefined) {
    throw refuse("change `block` needs the input `reason`", "say why: nodes show it to who asks them");
  }
  if (change !== "block" && (reason ?? profile) !== undefined) {
    throw refuse(`change \`${change}\` takes neither \`reason\` nor \`profile\``, "leave them out");
  }
}

interface Scene {
  readonly inputs: Inputs;
  readonly around: Surroundings;
  readonly home: ManifestHome;
  readonly keys: ProjectKeys;
  readonly now: Date;
  readonly world: World;
}

/**
 * Plans one change of the branch `manifest`, shows it, carries it out, and reads the branch back. Where somebody
 * else was faster it is planned anew. Throws ManifestError, KeyError, ReleaseError, ActionError.
 */
export async function run(
  inputs: Inputs,
  around: Surroundings,
  world: World,
  reporter: Reporter,
): Promise<void> {
  const scene = await openScene(inputs, around, world);
  const { home, keys, now } = scene;
  const planned = await planFor(scene);
  const said = [...planned.lines];
  for (const line of planned.lines) reporter.info(line);
  if (!planned.empty) {
    await planned.carryOut((lines) => {
      said.push("somebody else was faster, planned anew:", ...lines);
      for (const line of lines) reporter.info(`planned anew: ${line}`);
    });
    reporter.info(`written to ${home.place}`);
  }
  // What nodes will find is what counts, not what was meant.
  const state = auditHome((await home.read()).files, keys.trustedRoot);
  await keepAlive(scene, reporter);
  const facts = describeManifest(state, now);
  for (const note of facts.notes) reporter.warn(note);
  writeOutputs(outputs, { changed: String(!planned.empty), plan: said.join("\n") });
  await addSummary(manifestSummary(inputs.change, home.place, said, facts));
}

async function openScene(inputs: Inputs, around: Surroundings, world: World): Promise<Scene> {
  const file = resolve(around.workspace, inputs.definition);
  const { definition } = await loadDefinition(assetsRoot, file);
  const now = new Date(world.clock.now());
  const { secrets, temporary, token, context } = around;
  const keys = await keysOfJob(file, definition.cluster, secrets, now);
  const remote = inputs.remote ?? `${context.serverUrl}/${context.owner}/${context.repo}.git`;
  const scratch = join(temporary, "home-pi-manifest");
  const home = branchHome({ remote, scratch, world, env: gitLogin(remote, context.serverUrl, token) });
  return { inputs, around, home, keys, now, world };
}

async function planFor(scene: Scene): Promise<PlannedChange> {
  const { inputs, home, keys, now } = scene;
  const { change, version = "" } = inputs;
  if (change === "release") return planRelease(scene);
  const signing = { signers: signersFrom(keys.keys), now };
  const plan = await changeFor(inputs);
  const message = version === "" ? sentence(change) : `${sentence(change)} ${parseVersion(version).text}`;
  return planChange({ home, trustedRoot: keys.trustedRoot, message, plan: (state) => plan(state, signing) });
}

const sentence = (word: string): string => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;

async function changeFor(
  inputs: Inputs,
): Promise<(state: ManifestState, signing: Signing) => ManifestChange> {
  const { change, force, reason = "", profile } = inputs;
  if (change === "refresh") return (state, signing) => refresh(state, signing, force);
  if (change === "approve") return approve;
  const version = parseVersion(inputs.version ?? "").text;
  if (change === "unblock") return (state, signing) => unblock(state, version, undefined, signing);
  const boards = profile === undefined ? [] : await listFolders(asset("boards"));
  const ids = profile === undefined ? {} : { ids: [...boards].map((board) => `${profile}-${board}`) };
  return (state, signing) => block(state, { version, reason, ...ids }, signing);
}

async function keepAlive({ inputs, around, world }: Scene, reporter: Reporter): Promise<void> {
  const workflow = inputs["keep-alive"];
  if (workflow === undefined) return;
  const { owner, repo, apiUrl } = around.context;
  const api = openGithubApi({ owner, repo, apiUrl, token: around.token, limits: CALL_LIMITS }, world);
  await api.enable(workflow).catch((error: unknown) => {
    if (!(error instanceof GithubError)) throw error;
    reporter.warn(`the schedule of ${workflow} was not renewed: ${error.message}`);
  });
}

/** Only what is published, whole and signed under the cluster's CA, becomes known to nodes. */
async function planRelease({ inputs, around, home, keys, now, world }: Scene): Promise<PlannedChange> {
  const { owner, repo, apiUrl, serverUrl } = around.context;
  const env = { GITHUB_TOKEN: around.token, GITHUB_API_URL: apiUrl, GITHUB_SERVER_URL: serverUrl };
  const store = openStore({ kind: "github", owner, repo }, { env }, world);
  const { tag } = parseVersion(inputs.version ?? "");
  const ca = await readFile(join(keys.publicFolder, files.ca), "utf8");
  const trust = { ca, scratch: join(around.temporary, "home-pi-manifest"), now };
  const { document, file } = await openTagged(store, await store.releases(), { tag }, trust);
  return publishRelease({
    ...{ home, keys: keys.keys, trustedRoot: keys.trustedRoot, now },
    release: { document, file },
    urlsOf: (of, name) => [store.urlOf(of, name)],
  });
}
