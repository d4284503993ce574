import { describe, expect, test } from "vitest";
import type { RunCode } from "../../../lib/image/provision/packer/failure.ts";
import { HINTS } from "../../../lib/image/provision/packer/hints.ts";
import { type PackerFailure, packerOutcome } from "../../../lib/image/provision/packer/outcome.ts";
import { linesOf, recordedEvents, recordings } from "./recorded.ts";

interface Expected {
  readonly exit: number | undefined;
  readonly artifact?: string;
  readonly code?: RunCode;
  readonly message?: RegExp;
  readonly place?: string;
  readonly task?: string;
  /** A line that must be among those shown. */
  readonly shows?: string;
}

const TASK_PLACE = "/build/t/ansible/fast.yml:8:7";
const good = (artifact: string): Expected => ({ exit: 0, artifact });
const stopped: Expected = {
  exit: 1,
  code: "CANCELLED",
  message: /^packer was stopped: receiving (terminated|interrupt)$/,
};
const killed: Expected = {
  exit: undefined,
  code: "KILLED",
  message: /killed in the middle/,
  shows: "TASK [Wait on request] *********************************************************",
};
const failedTask: Expected = {
  exit: 1,
  code: "TASK",
  message: /^task "Fail on request" failed: non-zero return code$/,
  place: TASK_PLACE,
  task: "Fail on request",
  shows: "oops",
};

const expected: Readonly<Record<string, Expected>> = {
  "s-shell-local": good("/build/t/f.img"),
  "s-shell-local-native-python-1": good("/build/t/np-1.img"),
  "s-shell-local-native-python-2": good("/build/t/np-2.img"),
  "s-ansible-plugin": good("/build/t/rootfs.img"),
  "s-ansible-plugin-fast": good("/build/t/f.img"),
  "s-default-unarchive": good("/build/t/f.img"),
  "s-sigint-to-pid-is-ignored": good("/build/t/f.img"),
  "s-tar-gz-artifact": good("/build/t/np.tar.gz"),
  "s-tar-zst": good("/build/t/f.img"),
  "f-bad-size": {
    exit: 1,
    code: "CONFIGURATION",
    message: /^one of image_size_bytes or image_size must be set$/,
    place: "rootfs.pkr.hcl:69",
  },
  "f-bad-variable": {
    exit: 1,
    code: "VARIABLE",
    message: /The base_sha256 value must be 64 lower-case hex digits\.$/,
    place: "rootfs.pkr.hcl:25:3",
  },
  "f-binfmt": { exit: 1, code: "BINFMT", message: /^Failed to find binfmt_misc for \/build\/tmp\/qq/ },
  "f-checksum": {
    exit: 1,
    code: "BASE_DIGEST",
    message: /^the base has sha256 612eba19\w{56}, expected 0{64}$/,
  },
  "f-hcl-syntax": {
    exit: 1,
    code: "TEMPLATE",
    message: /^Invalid multi-line string: Quoted strings may not be split/,
    place: "../build/bad.pkr.hcl:78",
    shows: "and 24 more, most of them following from the first",
  },
  "f-missing-variable": {
    exit: 1,
    code: "VARIABLE",
    message: /^Unset variable "base_sha256": .* default value\.$/,
  },
  "f-missing-variable-validate": { exit: 1, code: "VARIABLE", message: /^Unset variable "base_sha256"/ },
  "f-no-partition-device": {
    exit: 1,
    code: "PARTITION_DEVICE",
    message: /The file \/dev\/loop0p1 does not exist/,
  },
  "f-no-space": { exit: 1, code: "NO_SPACE", message: /error writing .*: No space left on device$/ },
  "f-no-space-provision": {
    exit: 1,
    code: "NO_SPACE",
    message: /^task "Fill on request" failed/,
    place: "/build/t/ansible/fast.yml:14:7",
    task: "Fill on request",
    shows: "dd: error writing '/fill': No space left on device",
  },
  "f-playbook-missing": {
    exit: 1,
    code: "CONFIGURATION",
    message: /playbook_file: \/nope\.yml is invalid: .* no such file or directory$/,
    place: "rootfs.pkr.hcl:102",
  },
  "f-playbook-task": failedTask,
  "f-playbook-task-shell-local": failedTask,
  "f-plugin-missing": {
    exit: 1,
    code: "PLUGIN_MISSING",
    message: /github\.com\/mkaczanowski\/arm >= 1\.1\.0$/,
  },
  "f-plugin-version": {
    exit: 1,
    code: "PLUGIN_MISSING",
    message: /github\.com\/mkaczanowski\/arm >= 1\.1\.6$/,
  },
  "f-python-minimal": {
    exit: 1,
    code: "TARGET_PYTHON",
    message: /^task "Gathering Facts" failed: The following modules failed to execute/,
    task: "Gathering Facts",
    shows: "ModuleNotFoundError: No module named 'shutil'",
  },
  "f-sigint-group-ansible": stopped,
  "f-sigint-group-shell-local": stopped,
  "f-sigterm-ansible": stopped,
  "f-sigterm-group-ansible": stopped,
  "f-sigterm-shell-local": stopped,
  "f-sigkill-group-ansible": killed,
  "f-sigkill-pid-ansible": killed,
  "f-undeclared-variable": {
    exit: 1,
    code: "VARIABLE",
    message: /"nosuch" variable was passed .* not found in known/,
  },
  // Not builds: they end well without an artifact.
  "plugins-install": { exit: 0, code: "NO_ARTIFACT", message: /without an image/ },
  "validate-ok": { exit: 0, code: "NO_ARTIFACT", message: /without an image/ },
};

describe("packerOutcome", () => {
  test("every recording has an expected outcome", () => {
    expect(Object.keys(expected).sort()).toEqual(recordings);
  });

  test.each(Object.entries(expected))("%s", (name, want) => {
    const outcome = packerOutcome(recordedEvents(name), { code: want.exit });
    if (want.artifact !== undefined) {
      expect(outcome).toEqual({ ok: true, artifact: want.artifact });
      return;
    }
    const failure = outcome as PackerFailure;
    expect(failure.code).toBe(want.code);
    expect(failure.message).toMatch(want.message ?? /^$/);
    expect(failure.task).toBe(want.task);
    const { file, line, column } = failure.place ?? {};
    expect([file, line, column].filter((part) => part !== undefined).join(":")).toBe(want.place ?? "");
    if (want.shows !== undefined) expect(failure.output).toContain(want.shows);
    expect(failure.hint).toBe(HINTS[failure.code]);
  });

  test("an error that is printed in a good build does not make it a bad one", () => {
    const errors = recordedEvents("s-shell-local").filter((event) => event.kind === "error");
    expect(errors.length).toBeGreaterThan(0);
  });

  test("a good exit does not outweigh an error count, nor an artifact a bad exit", () => {
    const events = recordedEvents("s-shell-local");
    expect(packerOutcome([...events, { kind: "count", of: "error", count: 1 }], { code: 0 }).ok).toBe(false);
    expect(packerOutcome(events, { code: 1 })).toMatchObject({ ok: false, code: "UNEXPLAINED" });
  });

  const line = (how: "say" | "error", text: string): string =>
    `1795358912,,ui,${how},2026-11-22T14:48:32Z: ==> arm.node: ${text}`;
  const synthetic: readonly (readonly [RunCode, readonly string[], RegExp])[] = [
    [
      "PLAYBOOK",
      [
        line("error", "[WARNING]: No inventory was parsed"),
        line("error", "[ERROR]: YAML parsing failed: While parsing a flow mapping"),
        line("error", "Origin: /p/site.yml:5:1"),
        line("error", "error while running provision hook: Script exited with non-zero exit status: 4."),
      ],
      /^YAML parsing failed/,
    ],
    [
      "TASK",
      [
        line("say", "TASK [rauc : Configure it] ****"),
        line("error", "[WARNING]: Module remote_tmp /tmp/.ansible did not exist"),
        line("say", 'fatal: [default]: FAILED! => {"msg": "no such key"}'),
        line("error", "error while running provision hook: Script exited with non-zero exit status: 2."),
      ],
      /^task "rauc : Configure it" failed: no such key$/,
    ],
    [
      "BASE_UNREADABLE",
      [line("error", "error downloading rootfs_archive: [open /x.tar: no such file]")],
      /open \/x\.tar/,
    ],
    [
      "BUILDER",
      [line("error", "error losetup --find --partscan exit status 1: losetup: cannot find a device")],
      /losetup/,
    ],
    [
      "PLAYBOOK",
      [
        line("say", "[ERROR]: the role 'nope' was not found"),
        line("error", "error while running provision hook: Script"),
      ],
      /^the role 'nope' was not found$/,
    ],
    [
      "PROVISION",
      [line("error", "error while running provision hook: exec: sh: not found")],
      /provision hook: exec/,
    ],
    [
      "NO_SPACE",
      [
        line(
          "error",
          `error while unpacking exit status 2: tar: ./a: Cannot write: No space left on device${"\\ntar".repeat(99_999)}`,
        ),
      ],
      /^error while unpacking .*No space left on device$/,
    ],
  ];
  test.each(synthetic)("%s without a recording", (code, lines, message) => {
    const outcome = packerOutcome(linesOf(lines.join("\n")), { code: 1 });
    expect(outcome).toMatchObject({ ok: false, code, message: expect.stringMatching(message) });
  });

  test("every code is reached by one of these", () => {
    const reached = new Set([
      ...Object.values(expected).map(({ code }) => code),
      ...synthetic.map(([code]) => code),
    ]);
    reached.add("UNEXPLAINED");
    expect([...reached].filter((code) => code !== undefined).sort()).toEqual(Object.keys(HINTS).sort());
  });
});
