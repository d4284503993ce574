import { formatPlace, type Place } from "../../../failure.ts";
import { type FailedTask, failedTask, playbookError } from "../ansible-output.ts";
import { parseDiagnostics } from "./diagnostics.ts";
import type { RunCode } from "./failure.ts";
import { HINTS } from "./hints.ts";
import type { PackerEvent, SpokenEvent } from "./messages.ts";

export interface PackerFailure {
  readonly ok: false;
  readonly code: RunCode;
  readonly message: string;
  readonly hint: string;
  readonly place: Place | undefined;
  /** Name of the task that failed, as Ansible prints it. */
  readonly task: string | undefined;
  /** What the failed tool printed last, or further errors of the template. */
  readonly output: readonly string[];
}

export type PackerOutcome = { readonly ok: true; readonly artifact: string } | PackerFailure;

/** Lines of packer's own output shown where nothing better is known. */
const TAIL_LINES = 20;

/** Errors of a template shown after the first: one missing quote makes thirty. */
const OTHER_ERRORS = 5;

const HOOK_FAILED = "error while running provision hook";

/** Errors that packer and the plugin print in good builds too, or that only follow from another one. */
const NOISE = [
  /^\*\* DEBUG:/,
  /^Warning: /,
  /^Failed to remove cache file/,
  /^remove .*: no such file or directory$/,
  /^optional /,
  /^failed to unmount /,
  /^error while unmounting /,
];

/** Whether a text says nothing about how the build went. */
export function isNoise(event: SpokenEvent): boolean {
  return NOISE.some((noise) => noise.test(event.text));
}

interface Details {
  readonly place?: Place | undefined;
  readonly task?: string;
  readonly output?: readonly string[];
}

function failure(code: RunCode, message: string, details: Details = {}): PackerFailure {
  const { place, task, output = [] } = details;
  return { ok: false, code, message, hint: HINTS[code], place, task, output };
}

function isSpoken(event: PackerEvent): event is SpokenEvent {
  return event.kind === "say" || event.kind === "error";
}

function tail(events: readonly PackerEvent[]): string[] {
  return events
    .filter(isSpoken)
    .filter((event) => !isNoise(event))
    .flatMap((event) => event.text.split("\n"))
    .filter((line) => line.trim() !== "")
    .slice(-TAIL_LINES);
}

function templateFailure(errors: readonly SpokenEvent[]): PackerFailure | undefined {
  const diagnostics = errors
    .filter((event) => !event.fromBuilder && event.text.startsWith("Error: "))
    .flatMap((event) => parseDiagnostics(event.text));
  const [first, ...others] = diagnostics;
  if (first === undefined) return undefined;
  const output = others.slice(0, OTHER_ERRORS).map(({ place, message }) => {
    return place === undefined ? message : `${formatPlace(place)}: ${message}`;
  });
  if (others.length > OTHER_ERRORS)
    output.push(`and ${others.length - OTHER_ERRORS} more, most of them following from the first`);
  return failure(first.code, first.message, { place: first.place, output });
}

function taskFailure(task: FailedTask): PackerFailure {
  const all = [task.message, ...task.output].join("\n");
  const code = all.includes("No space left on device")
    ? "NO_SPACE"
    : /ModuleNotFoundError: No module named|\/python3?: not found/.test(all)
      ? "TARGET_PYTHON"
      : "TASK";
  const message = `task "${task.name}" failed: ${task.message}`;
  return failure(code, message, { place: task.place, task: task.name, output: task.output });
}

function provisionFailure(events: readonly PackerEvent[], cause: SpokenEvent): PackerFailure {
  // Both kinds: what the playbook writes to standard error comes as errors, its warnings included.
  const lines = events.filter(isSpoken).map((event) => event.literal);
  const task = failedTask(lines);
  if (task !== undefined) return taskFailure(task);
  const error = playbookError(lines);
  // What comes after the cause is only the cleaning up.
  const output = tail(events.slice(0, events.indexOf(cause)));
  if (error !== undefined) return failure("PLAYBOOK", error.message, { place: error.place, output });
  return failure("PROVISION", firstLine(cause.text), { output });
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

function builderFailure(events: readonly PackerEvent[], cause: SpokenEvent): PackerFailure {
  const { text } = cause;
  const output = text.split("\n").slice(1).slice(-TAIL_LINES);
  if (text.startsWith(HOOK_FAILED)) return provisionFailure(events, cause);
  if (text.includes("Checksums did not match")) {
    const [expected, got] = [/Expected: (\S+)/.exec(text)?.[1], /Got: (\S+)/.exec(text)?.[1]];
    return failure(
      "BASE_DIGEST",
      `the base has sha256 ${got ?? "unknown"}, expected ${expected ?? "unknown"}`,
    );
  }
  if (text.includes("No space left on device")) return failure("NO_SPACE", firstLine(text), { output });
  if (text.startsWith("error downloading")) return failure("BASE_UNREADABLE", firstLine(text), { output });
  if (text.includes("Failed to find binfmt_misc")) return failure("BINFMT", firstLine(text));
  if (/^error mkfs .*\/dev\/loop\d+p\d+ does not exist/.test(text)) {
    return failure("PARTITION_DEVICE", firstLine(text), { output });
  }
  return failure("BUILDER", firstLine(text), { output });
}

/** What ended the process: its exit code, or nothing where a signal killed it. */
export interface PackerExit {
  readonly code: number | undefined;
}

/**
 * How a run of packer ended. Exit code, error count and artifact decide whether it was good: good builds
 * print errors too. The cause of a bad one stands in an early error, the last ones only say that the
 * build was halted.
 */
export function packerOutcome(events: readonly PackerEvent[], exit: PackerExit): PackerOutcome {
  const errors = events.filter(isSpoken).filter((event) => event.kind === "error");
  const failed = events.some((event) => event.kind === "count" && event.of === "error" && event.count > 0);
  if (exit.code === 0 && !failed) {
    const artifact = events.find((event) => event.kind === "artifact" && event.field === "file");
    const path = artifact?.kind === "artifact" ? artifact.values.at(-1) : undefined;
    if (path !== undefined) return { ok: true, artifact: path };
    return failure("NO_ARTIFACT", "packer ended well without an image", { output: tail(events) });
  }
  const cancelled = errors.find((event) => /^Cancelling build after receiving/.test(event.text));
  if (cancelled !== undefined) {
    return failure(
      "CANCELLED",
      `packer was stopped: ${cancelled.text.replace(/^Cancelling build after /, "")}`,
    );
  }
  const template = templateFailure(errors);
  if (template !== undefined) return template;
  const candidates = errors.filter((event) => event.fromBuilder && !isNoise(event));
  const cause = candidates.find((event) => event.text.startsWith(HOOK_FAILED)) ?? candidates[0];
  if (cause !== undefined) return builderFailure(events, cause);
  if (exit.code === undefined || exit.code === 137 || exit.code === 143) {
    return failure("KILLED", "packer was killed in the middle of the build", { output: tail(events) });
  }
  return failure("UNEXPLAINED", `packer ended with ${exit.code} and gave no reason`, {
    output: tail(events),
  });
}
