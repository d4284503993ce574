import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realWorld } from "../../lib/external/world.ts";
import { copyCheckout } from "../../workbench/local/copy.ts";
import { orderOf, type Wish } from "../../workbench/local/order.ts";
import { type LocalRequest, type LocalRun, runLocally } from "../../workbench/local/run.ts";
import { whyFailed } from "../../workbench/why-failed.ts";
import { openTestKeys, testKeys } from "../image/test-keys.ts";

const root = join(import.meta.dirname, "..", "..");
const world = realWorld(new AbortController().signal);

type Details = Partial<Pick<LocalRequest, "builder" | "faults" | "packerDir">>;

/** This checkout on a GitHub of its own, with the real images. */
export interface OwnGithub {
  /** A path in what is kept from run to run. */
  kept(...parts: string[]): string;
  run(wish: Partial<Wish> & Pick<Wish, "workflow">, more?: Details): Promise<LocalRun>;
  remove(): Promise<void>;
}

/** `cache`: a folder with finished layers. */
export async function ownGithub(cache: string): Promise<OwnGithub> {
  const folder = await mkdtemp(join(tmpdir(), "own-github-"));
  const kept = (...parts: string[]): string => join(folder, ...parts);
  // Once, since the second run is to find what the first one left of the same commit, whoever edits meanwhile.
  const checkout = kept("checkout");
  await copyCheckout({ checkout: root, repository: checkout, more: {} }, world);
  // As somebody's own, and the same as the release group's: compressing images that are new takes minutes.
  await openTestKeys("home");
  const secret = (path: string): boolean => !/DEVELOPMENT$|public$/.test(path);
  await cp(`${testKeys}-development`, kept("keys", "private"), { recursive: true, filter: secret });
  await cp(join(`${testKeys}-development`, "public"), kept("keys", "public"), { recursive: true });
  return {
    kept,
    run: ({ workflow, tag, inputs = {} }, more = {}) =>
      runLocally(
        {
          ...{ checkout, folder, cacheDir: cache, builder: "chroot", machine: "virt", ...more },
          order: orderOf({ workflow, tag, inputs }),
          actDir: join(root, "node_modules", ".cache"),
          show: (text) => console.log(text),
        },
        world,
      ),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Why it failed, then all it printed: for a test's message. */
export const why = ({ runs }: LocalRun): string =>
  runs.map((one) => `${whyFailed(one)}\n${one.log}`).join("\n");

/** `release.yml compile: success`, sorted. */
export const jobsOf = ({ runs }: LocalRun): string[] =>
  runs.flatMap(({ file, times }) => times.map(({ name, result }) => `${file} ${name}: ${result}`)).sort();
