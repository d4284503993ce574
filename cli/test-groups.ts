import { deepGroups } from "./deep-groups.ts";

/** One group of tests: a command whose exit code is the verdict. */
export interface TestGroup {
  readonly name: string;
  /** Which doors open it: `./pi test fast`, `./pi test`, `./pi test deep`. */
  readonly doors: readonly Door[];
  /** What it shows, for people who choose one. */
  readonly shows: string;
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

export const doors = ["fast", "ci", "deep"] as const;
export type Door = (typeof doors)[number];

export const vitest = (project: string, ...more: string[]): readonly [string, ...string[]] => [
  "node_modules/.bin/vitest",
  "run",
  "--project",
  project,
  ...more,
];

export const image = (file: string, ...more: string[]) =>
  vitest("image", `tests/image/${file}.test.ts`, ...more);

/** Makes the images that other groups look at. */
const BUILD = "build";

const workflow = (name: string): string => `tests/workflow/${name}`;

/** Files of tests/image by how their names begin. */
export const bootFaults = (...names: string[]) =>
  vitest("image", ...names.map((name) => `tests/image/${name}`));

/**
 * Every group, in the order they run: what fails fast comes first, and what needs images comes after the
 * build that makes them. `cache` is the folder with finished layers; builds and boots are as a user's.
 */
export function testGroups(cache: string): TestGroup[] {
  const env = { PI_TEST_CACHE: cache, PI_CACHE: cache };
  return [
    {
      name: "lint",
      doors: ["fast", "ci"],
      shows: "format and lint",
      argv: ["node_modules/.bin/biome", "check", "."],
    },
    {
      name: "types",
      doors: ["fast", "ci"],
      shows: "strict types",
      argv: ["node_modules/.bin/tsc", "--noEmit"],
    },
    {
      name: "unit",
      doors: ["fast", "ci"],
      shows: "the domain, in tables and properties",
      argv: vitest("unit"),
    },
    {
      name: "contract",
      doors: ["fast", "ci"],
      shows: "actions and commands as they are started",
      argv: vitest("contract"),
    },
    {
      name: "every",
      doors: ["ci"],
      shows: "a release stopped at every point, signed files changed at every byte, programs run as wholes",
      argv: vitest("every"),
    },
    {
      name: "workflow",
      doors: ["ci"],
      shows:
        "workflows in act and by GitHub's own parser: pull requests, the manifest, refusals, other repositories; ./pi workflow",
      argv: vitest(
        "workflow",
        ...[
          "pull-request.test",
          "manifest",
          "refusals",
          "foreign.test",
          "lint",
          "pi-workflow",
          "runner-user",
        ].map(workflow),
      ),
    },
    {
      name: BUILD,
      doors: ["ci"],
      shows: "both images, as a user builds them",
      argv: ["./pi", "build"],
      env,
    },
    {
      name: "rebuild",
      doors: ["ci"],
      shows: "what is rebuilt after which change, and clear failures",
      argv: [...image("build"), "tests/image/archive.test.ts"],
      env,
    },
    {
      name: "interrupt",
      doors: ["ci"],
      shows: "a build stopped or killed in the middle leaves nothing, and the next one succeeds",
      argv: [...image("interrupt"), "tests/image/binfmt.test.ts"],
      env,
    },
    {
      name: "starve",
      doors: ["ci"],
      shows: "a full disk, a read-only /tmp, a damaged package: told, and nothing wrong kept",
      argv: image("starve"),
      env,
    },
    {
      name: "publish",
      doors: ["ci"],
      shows:
        "bundles of one job signed in another by the real RAUC; release.yml's end and manifest.yml in act",
      argv: vitest("workflow", "--project", "image", workflow("publish"), "packed.test", "image/publish"),
      env,
    },
    {
      name: "content",
      doors: ["ci"],
      shows: "what is in an image, and what must not be",
      argv: image("content"),
      env,
    },
    {
      name: "board",
      doors: ["ci"],
      shows: "each supported Pi's way from boot ROM to root, as far as files can show it",
      argv: image("board"),
      env,
    },
    {
      name: "diff",
      doors: ["ci"],
      shows: "one changed byte is told by its path",
      argv: image("diff"),
      env,
    },
    {
      name: "packer",
      doors: ["ci"],
      shows: "both builders make the same tree; what Packer was recorded to print, through build-image",
      argv: [...image("packer"), "tests/image/recorded-packer.test.ts"],
      env,
    },
    {
      name: "actions",
      doors: ["ci"],
      shows: "each action's bundle as the runner starts, cancels and kills it",
      argv: [...image("started-actions"), "tests/image/cancelled-actions.test.ts"],
      env,
    },
    {
      name: "boot",
      doors: ["ci"],
      shows: "agent on an emulated Pi 3: marked good, ssh",
      argv: image("boot", "-t", "marked good"),
      env: { ...env, PI_TEST_PROFILE: "agent", PI_TEST_MACHINE: "raspi3b", PI_TEST_BOOTS: "1" },
    },
    {
      name: "boot-server",
      doors: ["ci"],
      shows: "server on virt: without an identity nobody gets in",
      argv: image("boot", "-t", "nobody gets in"),
      env: { ...env, PI_TEST_PROFILE: "server", PI_TEST_MACHINE: "virt" },
    },
    {
      name: "card",
      doors: ["ci"],
      shows: "changing a card under a machine, for tests of what may happen to one",
      argv: image("card"),
      env,
    },
    {
      name: "boot-state",
      doors: ["ci"],
      shows: "which slot U-Boot takes from a torn or lost boot state, and the fallback to B",
      argv: [...bootFaults("boot-state.test.ts", "boot-faults-slot"), "-t", "one of each kind|three times"],
      env: { ...env, PI_TEST_MACHINE: "virt" },
    },
    {
      name: "node",
      doors: ["ci"],
      shows:
        "a node takes a good release, comes back from a bad one by itself, takes the next, and lives through 70 power cuts",
      argv: image("upgrade-cuts"),
      env: { ...env, PI_TEST_CUTS: "60", PI_TEST_BOOTED: "0" },
    },
    {
      name: "release",
      doors: ["ci"],
      shows: "a release into a folder: built, booted, signed, verified, and once more without a change",
      argv: image("release", "-t", "^(?!.*(to GitHub|a package more))"),
      env,
    },
    {
      name: "pull-request",
      doors: ["ci"],
      shows: "act builds and boots the one image a change affects, as a hosted runner's user",
      argv: vitest("workflow", "tests/workflow/pull-request-image.test.ts"),
      env,
    },
    ...deepGroups(cache, env),
  ];
}

/**
 * The groups behind a door, or the one of the door that is named. What needs images comes after their build, which takes
 * a second where they are there: a group can be the first thing that runs on a machine.
 */
export function chooseGroups(
  groups: readonly TestGroup[],
  door: Door,
  name: string | undefined,
): TestGroup[] {
  const chosen = groups.filter(
    (group) => group.doors.includes(door) && (name === undefined || group.name === name),
  );
  const needsImages = chosen.some(({ env }) => env?.PI_TEST_CACHE !== undefined);
  if (!needsImages || chosen.some((group) => group.name === BUILD)) return chosen;
  return [...groups.filter((group) => group.name === BUILD), ...chosen];
}
