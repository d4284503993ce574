import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderDiff } from "../../cli/diff-tables.ts";
import { diffImages } from "../../lib/diff/diff.ts";
import { archiveState, type OneBuild, readResults } from "./one-build.ts";
import { copyProject, type PiRun, type ProjectCopy } from "./project-copy.ts";
import { cacheDir, quietStep, testTools, world } from "./surroundings.ts";

const real = process.env.PI_REAL_PACKER_DIR;
const PROFILE = "agent";
const SHOWN_PATHS = 200;

/**
 * Two machines as unlike as one machine can play them; who builds is root on both. The first one's project was
 * cloned with umask 077, so nobody else can read it.
 */
const SURROUNDINGS: readonly [PiRun, PiRun] = [
  { umask: "022", env: { TZ: "UTC", LANG: "C.UTF-8", HOME: "/root" } },
  {
    umask: "027",
    env: {
      ...{ TZ: "Pacific/Kiritimati", LANG: "de_DE.UTF-8", LC_ALL: "tr_TR.UTF-8", LANGUAGE: "de" },
      ...{ HOME: "/nonexistent", USER: "builder", LOGNAME: "builder", TERM: "dumb", COLUMNS: "40" },
      ...{ PYTHONHASHSEED: "7", GZIP_OPT: "-1", CDPATH: "/", POSIXLY_CORRECT: "1" },
    },
  },
];

interface Site {
  readonly cache: string;
  readonly copy: ProjectCopy;
  readonly around: PiRun;
  readonly folder: string;
}

describe.runIf(cacheDir !== undefined)("two builds of one commit", () => {
  let folder: string;
  let sites: readonly [Site, Site];
  /** What the chroot builder made, and the state of the archive it saw. */
  let chroot: { readonly builds: readonly [OneBuild, OneBuild]; readonly state: string } | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "two-"));
    sites = [
      await site("a", SURROUNDINGS[0], "go="),
      await site(
        "another-place/below/quite-a-number-of-folders/with-a-much-longer-way-to-it",
        SURROUNDINGS[1],
      ),
    ];
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function site(place: string, around: PiRun, modes?: string): Promise<Site> {
    const own = join(folder, place);
    await mkdir(own, { recursive: true });
    const cache = join(own, "cache");
    const copy = await copyProject(cache, own);
    if (modes !== undefined) {
      const argv = ["chmod", "-R", modes, copy.folder] as const;
      await world.processes.run({ argv: [...argv], timeoutMs: 60_000 });
    }
    return { cache, copy, around, folder: own };
  }

  async function buildCold({ cache, copy, around }: Site): Promise<OneBuild> {
    await rm(cache, { recursive: true, force: true });
    const out = join(copy.folder, "out");
    await rm(out, { recursive: true, force: true });
    const result = await copy.pi(["build", PROFILE, "--out", out], around);
    expect(result.exitCode, result.output.slice(-4000)).toBe(0);
    expect(result.steps).toEqual(expect.arrayContaining(["tools tree", `image of ${PROFILE}`]));
    return readResults(out);
  }

  /** Where digests differ, what differs between the images. */
  async function difference(first: OneBuild, second: OneBuild): Promise<string> {
    const tools = await testTools();
    if (tools === undefined || first.digests.disk === second.digests.disk) return "the images are equal";
    const options = { images: [first.image, second.image] as const, scratch: folder };
    return renderDiff(await diffImages(options, tools, world, quietStep), SHOWN_PATHS);
  }

  async function expectEqual(first: OneBuild, second: OneBuild): Promise<void> {
    const why =
      JSON.stringify(first.digests) === JSON.stringify(second.digests) ? "" : await difference(first, second);
    expect(second.digests, why).toEqual(first.digests);
  }

  test("with the chroot builder, in different places with caches of their own", async () => {
    let first = await buildCold(sites[0]);
    const second = await buildCold(sites[1]);
    const state = await archiveState(sites[1].cache);
    if ((await archiveState(sites[0].cache)) !== state) {
      console.warn("the archive moved between the two builds: the first one is made again");
      first = await buildCold(sites[0]);
      expect(await archiveState(sites[0].cache), "the archive moved a second time").toBe(state);
    }
    chroot = { builds: [first, second], state };
    await expectEqual(first, second);
  });

  test.each([0, 1] as const)(
    `with packer${real === undefined ? "'s stand-in" : ""}, from the base of build %i`,
    async (side) => {
      if (chroot === undefined) throw new Error("there is no build to compare with");
      const { cache, copy, around, folder: own } = sites[side];
      await rm(join(cache, "builds"), { recursive: true, force: true });
      const out = join(own, "packer-out");
      const args = [
        copy.folder,
        cache,
        out,
        PROFILE,
        join(own, "packer"),
        ...(real === undefined ? [] : [real]),
      ];
      const result = await copy.node("tests/image/packer-build.ts", args, around);
      expect(result.exitCode, result.output.slice(-4000)).toBe(0);
      if ((await archiveState(cache)) !== chroot.state) {
        console.warn("the archive moved since the other builder ran: nothing is compared");
        return;
      }
      await expectEqual(chroot.builds[side], await readResults(out));
    },
  );
});
