import prettyBytes from "pretty-bytes";
import type { Reporter, Step } from "../progress/reporter.ts";
import { checkAssets } from "./check-assets.ts";
import { ReleaseError } from "./failure.ts";
import { type AssetAction, type PublishPlan, reconcile } from "./reconcile.ts";
import { renderPlan } from "./render-plan.ts";
import { countRetries, type Patience, type Retries } from "./retry.ts";
import type { ReleaseDetails, ReleaseStore, StoredAsset, StoredRelease, WantedAsset } from "./store.ts";

export interface PublishRequest {
  readonly store: ReleaseStore;
  readonly details: ReleaseDetails;
  readonly assets: readonly WantedAsset[];
  /** Shows the plan, and does nothing else. */
  readonly dryRun?: boolean;
}

export type PublishOutcome =
  | { readonly kind: "planned"; readonly plan: PublishPlan }
  /** It was published before, with exactly these files. */
  | { readonly kind: "unchanged"; readonly plan: PublishPlan; readonly release: StoredRelease }
  | { readonly kind: "published"; readonly plan: PublishPlan; readonly release: StoredRelease };

interface Run extends PublishRequest {
  readonly reporter: Reporter;
  readonly retries: Retries;
  /** Digests this run saw itself, of files whose store does not say them. */
  readonly seen: Map<string, string>;
  /** What worked; if it has to be done again, the store did not keep it, or does not show it yet. */
  readonly worked: Set<string>;
}

/**
 * Brings a store's release of a tag to exactly the wanted files and publishes it. What is there and right stays;
 * whatever failed, or was lost on the way, is found by looking again. Throws ReleaseError: what checkAssets
 * throws; CONFLICT where a published release differs; the last error of a thing that failed five times.
 */
export async function publishRelease(
  request: PublishRequest,
  patience: Patience,
  reporter: Reporter,
): Promise<PublishOutcome> {
  checkAssets(request.assets);
  const retries = countRetries(patience, reporter);
  const run: Run = { ...request, reporter, retries, seen: new Map(), worked: new Set() };
  const { store, details } = request;
  if (request.dryRun === true) return { kind: "planned", plan: await firstPlan(run) };
  const wait = () => reporter.info(`waiting for another release to ${store.place}`);
  return store.exclusively(wait, async () => {
    const plan = await firstPlan(run);
    const release = await converge(run, plan);
    const finished = (await store.settle?.(release, plan.latest)) === true;
    if (finished) reporter.info(`${details.tag}: finished what an earlier run left undone`);
    if (plan.release.kind !== "verify-only") return { kind: "published", plan, release };
    reporter.info(
      `${details.tag} is published in ${store.place} already, with the same files: nothing to do`,
    );
    return { kind: "unchanged", plan, release };
  });
}

async function firstPlan(run: Run): Promise<PublishPlan> {
  const plan = await look(run);
  for (const line of renderPlan(plan, run.store.place)) run.reporter.info(line);
  for (const { id } of plan.otherDrafts) {
    run.reporter.warn(`there is another draft of ${plan.tag}, ${id}: it is left alone; delete it by hand`);
  }
  if (plan.release.kind === "use-draft" && plan.release.release.foreign === true) {
    const { id } = plan.release.release;
    run.reporter.warn(`the draft ${id} was begun by hand: its text is replaced by the notes of this release`);
  }
  return plan;
}

/** What is there now, and what is to be done about it. */
async function look({ store, details, assets, retries, seen }: Run): Promise<PublishPlan> {
  const stored = await retries.untilDone("listing", () => store.releases());
  return reconcile(
    details,
    assets,
    stored.map((release) => ({
      ...release,
      assets: release.assets.map((asset) => ({
        ...asset,
        sha256: asset.sha256 ?? seen.get(keyOf(release, asset)),
      })),
    })),
  );
}

const keyOf = (release: StoredRelease, asset: StoredAsset): string =>
  [release.id, asset.id, asset.bytes].join(" ");

/** Works and looks again until the release is published and has been compared. */
async function converge(run: Run, first: PublishPlan): Promise<StoredRelease> {
  for (let plan = first; ; plan = await look(run)) {
    refuseWhatCannotBe(run, plan);
    const { release } = plan;
    const todo = plan.actions.filter(({ kind }) => kind !== "skip");
    if (release.kind === "create") {
      await attempt(run, "creating a draft", () => run.store.createDraft(run.details));
    } else if (todo.length > 0) {
      await carryOut(run, release.release, todo);
    } else if (release.kind === "verify-only") {
      return release.release;
    } else {
      const publish = () => run.store.publish(release.release, run.details, plan.latest);
      await attempt(run, "publishing", publish);
    }
  }
}

/** Does one thing; where it failed in passing, waits. Whether it worked the next look tells better. */
async function attempt(run: Run, what: string, work: () => Promise<unknown>): Promise<boolean> {
  if (run.worked.has(what)) {
    const unseen = `${what} worked, and ${run.store.place} does not show it`;
    await run.retries.again(what, new ReleaseError("SERVER", unseen));
  }
  try {
    await work();
    run.worked.add(what);
    return true;
  } catch (error) {
    await run.retries.again(what, error);
    return false;
  }
}

/** One file after the other: many at once run into GitHub's limits. Ends early where one failed. */
async function carryOut(run: Run, release: StoredRelease, todo: readonly AssetAction[]): Promise<void> {
  for (const action of todo) {
    if (!(await attempt(run, `${action.kind} ${action.name}`, () => act(run, release, action)))) return;
  }
}

async function act(run: Run, release: StoredRelease, action: AssetAction): Promise<void> {
  const { store, reporter, seen } = run;
  if (action.kind === "hash") {
    const { stored, name } = action;
    const look = () => store.digestOf(release, stored);
    const sha256 = await shown(reporter, `compare ${name}`, stored.bytes, look);
    seen.set(keyOf(release, stored), sha256);
    return;
  }
  if ("stored" in action) {
    seen.delete(keyOf(release, action.stored));
    await store.remove(release, action.stored);
  }
  if ("wanted" in action) await upload(run, release, action.wanted);
}

/** What takes no time to speak of is in the plan, and needs no lines of its own. */
const WORTH_A_STEP_BYTES = 1024 * 1024;

function shown<T>(
  reporter: Reporter,
  title: string,
  bytes: number,
  work: (step?: Step) => Promise<T>,
): Promise<T> {
  return bytes < WORTH_A_STEP_BYTES ? work() : reporter.step(title, {}, work);
}

async function upload(run: Run, release: StoredRelease, asset: WantedAsset): Promise<void> {
  const { store, reporter, seen } = run;
  const total = prettyBytes(asset.bytes);
  const stored = await shown(reporter, `upload ${asset.name}`, asset.bytes, (step) =>
    store.upload(release, asset, (bytes) =>
      step?.update(`${prettyBytes(bytes)} of ${total}`, asset.bytes === 0 ? 1 : bytes / asset.bytes),
    ),
  );
  if (stored.sha256 !== undefined) seen.set(keyOf(release, stored), stored.sha256);
  if (stored.bytes !== asset.bytes || (stored.sha256 ?? asset.sha256) !== asset.sha256) {
    throw new ReleaseError("UPLOAD", `${asset.name} did not arrive whole in ${store.place}`);
  }
}

function refuseWhatCannotBe({ store }: Run, plan: PublishPlan): void {
  const refused = plan.actions.filter((action) => action.kind === "refuse");
  if (refused.length === 0) return;
  const details = refused.map(({ name, why }) => `${name} ${why}`);
  if (plan.release.kind === "verify-only") {
    const frozen = plan.release.release.immutable === true;
    throw new ReleaseError(
      "CONFLICT",
      `${plan.tag} is published in ${store.place}, and differs from what was built`,
      {
        details,
        fix: frozen
          ? "GitHub has frozen it (immutable release), so this version is burnt: release under the next version"
          : "a published release is never changed: release under the next version",
      },
    );
  }
  throw new ReleaseError("CONFLICT", `the draft of ${plan.tag} in ${store.place} holds other files`, {
    details,
    fix: "delete that draft, or its files, by hand; then run this again",
  });
}
