import { bootFaults, image, type TestGroup, vitest } from "./test-groups.ts";

/** What takes longer than a pull request may: `./pi test deep`. `env` names `cache` as tests and commands read it. */
export function deepGroups(cache: string, env: Readonly<Record<string, string>>): TestGroup[] {
  return [
    {
      name: "boot-raspi3b",
      doors: ["deep"],
      shows: "server on an emulated Pi 3, with and without an identity",
      argv: image("boot"),
      env: { ...env, PI_TEST_PROFILE: "server", PI_TEST_MACHINE: "raspi3b" },
    },
    {
      name: "boot-virt",
      doors: ["deep"],
      shows: "agent on virt, with and without an identity",
      argv: image("boot"),
      env: { ...env, PI_TEST_PROFILE: "agent", PI_TEST_MACHINE: "virt" },
    },
    {
      name: "stand-in-boot",
      doors: ["deep"],
      shows: "how the emulator judges boots that fail",
      argv: image("stand-in-boot"),
      env,
    },
    {
      name: "boot-states",
      doors: ["deep"],
      shows: "every tear of either copy of the boot state, and rubbish in it, on virt",
      argv: image("boot-state"),
      env: { ...env, PI_TEST_MACHINE: "virt" },
    },
    {
      name: "boot-faults",
      doors: ["deep"],
      shows: "an emulated Pi 3 with noise on its line, damaged scripts, a slot that cannot start",
      argv: bootFaults("boot-state.test.ts", "boot-faults"),
      env: { ...env, PI_TEST_MACHINE: "raspi3b" },
    },
    {
      name: "boot-faults-virt",
      doors: ["deep"],
      shows: "slots that cannot start on virt, where the kernel resets the machine itself",
      argv: bootFaults("boot-faults-slot"),
      env: { ...env, PI_TEST_MACHINE: "virt" },
    },
    {
      name: "card-data",
      doors: ["deep"],
      shows: "cards flashed again, damaged, full, doubled, too small",
      argv: image("card-data"),
      env,
    },
    {
      name: "first-boot",
      doors: ["deep"],
      shows: "a first boot whose power is cut at 500 points, six of them booted again",
      argv: image("first-boot-cuts"),
      env,
    },
    {
      name: "first-boot-raspi3b",
      doors: ["deep"],
      shows:
        "the same on an emulated Pi 3, whose card writes in order, sector by sector; two of them booted again",
      argv: image("first-boot-cuts"),
      env: { ...env, PI_TEST_MACHINE: "raspi3b", PI_TEST_BOOTED: "2" },
    },
    {
      name: "reboots",
      doors: ["deep"],
      shows: "six reboots, by the watchdog and out of emergency mode too, stay on A",
      argv: image("reboots"),
      env,
    },
    {
      name: "bench-size",
      doors: ["deep"],
      shows: "what takes the space in an image, and the memory once it is up",
      argv: [process.execPath, "bench/size.ts", "agent"],
      env,
    },
    {
      name: "interrupted",
      doors: ["deep"],
      shows: "a build stopped in each step by each signal, or killed at random moments",
      argv: [...image("interrupted"), "tests/image/killed.test.ts"],
      env,
    },
    {
      name: "together",
      doors: ["deep"],
      shows: "builds, boots and clean at the same time",
      argv: image("together"),
      env,
    },
    {
      name: "starved",
      doors: ["deep"],
      shows: "disk full in each step, a failing archive, a wrong clock, little memory",
      argv: vitest(
        "image",
        ...["disk", "archive", "places"].map((what) => `tests/image/starved-${what}.test.ts`),
      ),
      env,
    },
    {
      name: "reproducible",
      doors: ["deep"],
      shows: "two builds of one commit, in unlike surroundings, are equal byte for byte",
      argv: image("reproducible"),
      env,
    },
    {
      name: "bench-build",
      doors: ["deep"],
      shows: "cold, plain and warm builds: ratios, and equal digests",
      argv: [process.execPath, "bench/build.ts"],
      env: { PI_BENCH_CACHE: `${cache}-bench` },
    },
    {
      name: "release-workflow",
      doors: ["deep"],
      shows:
        "release.yml for a tag in act, as a whole, twice: built, booted, published, verified, nodes told",
      argv: vitest("workflow", "tests/workflow/release-whole.test.ts"),
      env,
    },
    {
      name: "release-github",
      doors: ["deep"],
      shows:
        "the release group, a second release that carries a profile over, and the same to the stand-in for GitHub",
      argv: image("release"),
      env,
    },
    {
      name: "release-healed",
      doors: ["deep"],
      shows:
        "release.yml in act: an upload fails, the second run heals it; built by packer's stand-in; rebuild.yml: both ways",
      argv: vitest("workflow", "tests/workflow/release-healed.test.ts"),
      env,
    },
    {
      name: "node-raspi3b",
      doors: ["deep"],
      shows:
        "a node on an emulated Pi 3 takes a good release, comes back from a bad one, takes the next; power cut at 500 points of it",
      argv: image("upgrade-cuts"),
      env: { ...env, PI_TEST_MACHINE: "raspi3b", PI_TEST_BOOTED: "0" },
    },
    {
      name: "node-demo",
      doors: ["deep"],
      shows: "./pi emulate --demo on virt: a good, a bad and a good release; bytes and memory",
      argv: image("node-demo"),
      env,
    },
    {
      name: "node-faults",
      doors: ["deep"],
      shows: "a node among bad bundles, servers, clocks, disks, cards and links: unharmed, and says why",
      argv: [
        ...image("node-faults"),
        "tests/image/node-troubles.test.ts",
        "tests/image/node-bad-spot.test.ts",
      ],
      env,
    },
    {
      name: "node-trials",
      doors: ["deep"],
      shows: "systems that do not start, or do not work once they did: the old one is back by itself",
      argv: image("node-trials"),
      env,
    },
    {
      name: "node-bytes",
      doors: ["deep"],
      shows: "what a node reads of an update by one package, beside the blocks that changed",
      argv: image("node-bytes"),
      env,
    },
    {
      name: "upgrade-cuts",
      doors: ["deep"],
      shows: "a good and a bad upgrade whose power is cut at 500 points, thirteen of them booted again",
      argv: image("upgrade-cuts"),
      env,
    },
    {
      name: "tuf-conformance",
      doors: ["deep"],
      shows: "the public TUF suite on the nodes' client; needs its checkout in PI_TUF_CONFORMANCE",
      argv: vitest("every", "tests/contract/updater/tuf-conformance"),
      // Named or not, asked for by name it must run.
      env: { PI_TUF_CONFORMANCE: process.env.PI_TUF_CONFORMANCE ?? "PI_TUF_CONFORMANCE, which is not set" },
    },
    {
      name: "foreign-change",
      doors: ["deep"],
      shows: "another repository's push and pull request: its images, and what changed between them",
      argv: vitest("workflow", "tests/workflow/foreign-build.test.ts"),
      env,
    },
    {
      name: "bench-upload",
      doors: ["deep"],
      shows: "a file of 1.9 GiB goes up in 160 MB of memory, and how fast next to curl",
      argv: [process.execPath, "bench/upload.ts"],
    },
    {
      name: "bench-artifact",
      doors: ["deep"],
      shows: "an artifact of 1.9 GiB goes up and down in 300 MB of memory",
      argv: [process.execPath, "bench/artifact.ts"],
    },
  ];
}
