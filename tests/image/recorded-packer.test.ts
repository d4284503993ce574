import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HINTS } from "../../lib/image/provision/packer/hints.ts";
import { type ActionRun, root, runAction } from "../contract/actions/run-action.ts";
import { leftovers } from "./leftovers.ts";
import { type ScratchCache, scratchCache } from "./scratch-cache.ts";
import { cacheDir } from "./surroundings.ts";

const RECORDINGS = join(root, "tests", "unit", "packer", "fixtures");
const able = cacheDir !== undefined && process.getuid?.() === 0;
const MINUTES = 60_000;

interface Told {
  /** How the recorded run ended. */
  readonly exit: number | "killed";
  /** The annotation: its place, from the end of the path on, and its text. */
  readonly place?: string;
  readonly text: string;
  /** What stands below the message. */
  readonly shows?: string;
  readonly hint: keyof typeof HINTS;
}

/** One recording of each kind; tests/unit/packer reads all of them. */
const told: Readonly<Record<string, Told>> = {
  "f-playbook-task-shell-local": {
    ...{ exit: 1, place: "file=/build/t/ansible/fast.yml,line=8,col=7", hint: "TASK" },
    ...{ text: 'task "Fail on request" failed: non-zero return code', shows: "oops" },
  },
  "f-no-space-provision": {
    ...{ exit: 1, place: "file=/build/t/ansible/fast.yml,line=14,col=7", hint: "NO_SPACE" },
    ...{ text: 'task "Fill on request" failed', shows: "No space left on device" },
  },
  "f-bad-variable": {
    ...{ exit: 1, place: "/packer/rootfs.pkr.hcl,line=25,col=3", hint: "VARIABLE" },
    text: "The base_sha256 value must be 64 lower-case hex digits.",
  },
  "f-hcl-syntax": {
    ...{ exit: 1, place: "/build/bad.pkr.hcl,line=78", hint: "TEMPLATE" },
    ...{ text: "Invalid multi-line string", shows: "and 24 more, most of them following from the first" },
  },
  "f-checksum": { exit: 1, text: "the base has sha256 612eba19", hint: "BASE_DIGEST" },
  "f-plugin-missing": { exit: 1, text: "github.com/mkaczanowski/arm >= 1.1.0", hint: "PLUGIN_MISSING" },
  "f-python-minimal": {
    ...{ exit: 1, text: 'task "Gathering Facts" failed', hint: "TARGET_PYTHON" },
    shows: "No module named 'shutil'",
  },
  "f-sigkill-pid-ansible": {
    ...{ exit: "killed", text: "packer was killed in the middle of the build", hint: "KILLED" },
    shows: "TASK [Wait on request]",
  },
};

describe.runIf(able)("what Packer was recorded to print, through build-image", () => {
  let at: ScratchCache;
  let workspace: string;
  beforeAll(async () => {
    at = await scratchCache(cacheDir ?? "");
    await at.without("builds");
    workspace = join(at.out, "workspace");
    await mkdir(workspace);
    await cp(join(root, "cluster.yaml"), join(workspace, "cluster.yaml"));
  });
  afterAll(() => at.remove());

  /** A program that installs like Packer and, when it is to build, says again what was recorded. */
  async function player(name: string, exit: Told["exit"]): Promise<string> {
    const folder = join(at.temporary, name);
    await mkdir(folder);
    const recorded = await readFile(join(RECORDINGS, `${name}.log`), "utf8");
    const end = exit === "killed" ? "kill -KILL $$" : `exit ${exit}`;
    const script = [
      "#!/bin/sh",
      'case "$*" in',
      'version) echo "Packer v1.16.0"; exit 0 ;;',
      "plugins*) exit 0 ;;",
      "esac",
      `cat <<'END-OF-RECORDING'\n${recorded}\nEND-OF-RECORDING`,
      end,
    ];
    for (const program of ["packer", "packer-plugin-builder-arm"]) {
      await writeFile(join(folder, program), `${script.join("\n")}\n`, { mode: 0o755 });
    }
    return folder;
  }

  async function build(name: string, exit: Told["exit"]): Promise<ActionRun> {
    const inputs = { id: "agent-rpi-arm64", builder: "packer", "cache-dir": at.cache };
    const env = { PI_PACKER_DIR: await player(name, exit) };
    const runner = join(at.temporary, `runner-${name}`);
    await mkdir(runner);
    return runAction("build-image", inputs, runner, workspace, env, 4 * MINUTES);
  }

  test.each(Object.entries(told))("%s", async (name, { exit, place, text, shows, hint }) => {
    const run = await build(name, exit);
    expect(run.exitCode).toBe(1);
    expect(run.outputs).toEqual({});
    const [annotation = "", ...others] = run.lines.filter((line) => line.startsWith("::error"));
    expect(others, run.lines.join("\n")).toEqual([]);
    const [properties = "", message = ""] = annotation.split("::").slice(1);
    if (place === undefined) expect(properties).toBe("error");
    else expect(properties.endsWith(place), properties).toBe(true);
    expect(message).toContain(text);
    if (shows !== undefined) expect(message).toContain(shows);
    expect(message).toContain(`fix: ${HINTS[hint]}`.replaceAll("%", "%25"));
    // What it printed is in the group of its step, and that group is closed before the annotation.
    const group = run.lines.findIndex((line) => line.startsWith("::group::playbook for agent"));
    const end = run.lines.findIndex((line, index) => index > group && line.startsWith("::endgroup::"));
    expect(group).toBeGreaterThan(-1);
    expect(end).toBeLessThan(run.lines.indexOf(annotation));
    expect(run.lines[end + 1]).toMatch(/^playbook for agent.* failed after /);
    expect(await leftovers(at.cache)).toEqual([]);
  });

  test("tasks and warnings of a good run are lines of the group, and nothing in it is taken for a command", async () => {
    const run = await build("s-shell-local-native-python-1", 0);
    const group = run.lines.findIndex((line) => line.startsWith("::group::playbook for agent"));
    const end = run.lines.findIndex((line, index) => index > group && line.startsWith("::endgroup::"));
    const inside = run.lines.slice(group + 1, end);
    expect(inside.join("\n")).toContain("TASK [Create the user]");
    expect(inside).toContain("changed: [default]");
    expect(inside.filter((line) => /^::|DEBUG|fuser/.test(line))).toEqual([]);
    // It left no image, which is told and is no success.
    expect(run.exitCode).toBe(1);
  });
});
