import type { Step } from "../../../progress/reporter.ts";
import { isTaskHeader } from "../ansible-output.ts";
import type { PackerEvent } from "./messages.ts";
import { isNoise } from "./outcome.ts";

export type PhaseName = "check base" | "partition" | "unpack" | "enter" | "playbook" | "clean up";

export interface Phase {
  readonly name: PhaseName;
  /** Tasks begun so far, those skipped included. */
  readonly tasks: number;
  readonly task: string | undefined;
}

/** Where each phase stands in the whole, 0 to 1; measured on builds with the native Python. */
const BEGINS: Readonly<Record<PhaseName, number>> = {
  "check base": 0,
  partition: 0.05,
  unpack: 0.08,
  enter: 0.2,
  playbook: 0.22,
  "clean up": 0.96,
};

const SIGNS: readonly (readonly [RegExp, PhaseName])[] = [
  [/^Retrieving /, "check base"],
  [/^creating an empty image /, "partition"],
  [/^unpacking /, "unpack"],
  [/^running extra setup/, "enter"],
  [/^running the provision hook/, "playbook"],
  [/^unmounting /, "clean up"],
];

/** The phase after `event`; undefined before the first sign of one. */
export function nextPhase(phase: Phase | undefined, event: PackerEvent): Phase | undefined {
  if (event.kind !== "say") return phase;
  const task = isTaskHeader(event.text);
  if (task !== undefined && phase?.name === "playbook")
    return { name: "playbook", tasks: phase.tasks + 1, task };
  const name = SIGNS.find(([sign]) => sign.test(event.text))?.[1];
  if (name === undefined || name === phase?.name) return phase;
  return { name, tasks: phase?.tasks ?? 0, task: undefined };
}

/** What a person reads of a phase, and how far the whole is, 0 to 1. */
export function describePhase(phase: Phase, expectedTasks?: number): { text: string; fraction?: number } {
  const begins = BEGINS[phase.name];
  if (phase.name !== "playbook" || phase.task === undefined) return { text: phase.name, fraction: begins };
  const of = expectedTasks === undefined ? "" : ` of ${Math.max(expectedTasks, phase.tasks)}`;
  const text = `task ${phase.tasks}${of}: ${phase.task}`;
  if (expectedTasks === undefined) return { text };
  // A task that has begun is not done, so the last one does not fill the bar.
  const done = Math.min((phase.tasks - 1) / Math.max(expectedTasks, phase.tasks), 1);
  return { text, fraction: begins + done * (BEGINS["clean up"] - begins) };
}

/** A listener that turns events into the step's progress and lines. */
export function phaseReporter(step: Step, expectedTasks?: number): (event: PackerEvent) => void {
  let phase: Phase | undefined;
  return (event) => {
    if ((event.kind === "say" || event.kind === "error") && !isNoise(event)) {
      for (const line of event.text.split("\n")) if (line.trim() !== "") step.line(line);
    }
    const next = nextPhase(phase, event);
    if (next === undefined || next === phase) return;
    phase = next;
    const { text, fraction } = describePhase(next, expectedTasks);
    step.update(text, fraction);
  };
}
