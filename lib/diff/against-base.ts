import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { World } from "../external/world.ts";
import { describeFailure, Failure } from "../failure.ts";
import type { BuiltImage } from "../image/build/results.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import type { Reporter } from "../progress/reporter.ts";
import { type BaseBuild, findBase, imageOfBuild } from "./base-build.ts";
import { packagesOfBill } from "./bill.ts";
import { diffImages } from "./diff.ts";
import { compareRecords } from "./records.ts";
import type { Change, ImageDiff } from "./schema.ts";

/** How a build differs from the one of the branch it is to go into, as far as that can be known. */
export type BaseComparison =
  /** Nothing is known of that branch's build. */
  | { readonly kind: "none"; readonly why: string }
  /** It is the same build. */
  | { readonly kind: "same"; readonly base: BaseBuild }
  /** Only the bills of materials could be compared; `why` says what was in the way of more. */
  | {
      readonly kind: "packages";
      readonly base: BaseBuild;
      readonly packages: readonly Change[];
      readonly why: string;
    }
  | { readonly kind: "image"; readonly base: BaseBuild; readonly diff: ImageDiff };

export interface BaseRequest {
  /** The commit the change is based on. */
  readonly commit: string;
  readonly built: BuiltImage;
  readonly cacheDir: string;
  readonly tools: () => Promise<ToolsTree>;
}

/**
 * Compares a build with that of the commit it is based on, or of the newest one a cache knows: image with
 * image, or package lists where only those are left. What is in the way is told, not thrown: a comparison is
 * no reason for a build to fail. Throws where it is interrupted.
 */
export async function compareWithBase(
  { commit, built, cacheDir, tools }: BaseRequest,
  world: World,
  reporter: Reporter,
): Promise<BaseComparison> {
  const base = await findBase(built.info.name, commit, cacheDir, world);
  if (base === undefined) {
    return { kind: "none", why: `no build of ${built.info.name} from the base branch is in the cache yet` };
  }
  if (base.info.buildId === built.info.buildId) return { kind: "same", base };
  const bill = await readFile(join(built.folder, "sbom.cdx.json"), "utf8");
  try {
    const packages = compareRecords(
      packagesOfBill(base.bill, "bill of the base"),
      packagesOfBill(bill, "bill of this build"),
    );
    try {
      const image = await imageOfBuild(base.info.buildId, cacheDir, world, reporter);
      const images = [image, join(built.folder, "disk.img.zst")] as const;
      const options = { images, scratch: join(cacheDir, "scratch") };
      const tree = await tools();
      const diff = await reporter.step("compare with the base branch's image", {}, (step) =>
        diffImages(options, tree, world, step),
      );
      return { kind: "image", base, diff };
    } catch (error) {
      return { kind: "packages", base, packages, why: reasonFor(error, world) };
    }
  } catch (error) {
    return { kind: "none", why: reasonFor(error, world) };
  }
}

/** What was in the way, in one line. Throws what is no obstacle: an interruption, or a bug. */
function reasonFor(error: unknown, world: World): string {
  if (world.signal.aborted) throw error;
  if (error instanceof Failure) return describeFailure(error)[0] ?? error.message;
  // A file system that is full, or will not do it.
  if (error instanceof Error && "errno" in error) return error.message;
  throw error;
}
