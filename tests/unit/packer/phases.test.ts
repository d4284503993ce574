import { describe, expect, test } from "vitest";
import { nextPhase, type Phase, phaseReporter } from "../../../lib/image/provision/packer/phases.ts";
import { recordedEvents, recordings } from "./recorded.ts";

function phasesOf(name: string): Phase[] {
  const phases: Phase[] = [];
  let phase: Phase | undefined;
  for (const event of recordedEvents(name)) {
    const next = nextPhase(phase, event);
    if (next !== undefined && next !== phase) phases.push(next);
    phase = next;
  }
  return phases;
}

const namesOf = (phases: readonly Phase[]): string[] =>
  phases.map(({ name }) => name).filter((name, at, all) => name !== all[at - 1]);

describe("phases", () => {
  test.each(recordings.filter((name) => name.startsWith("s-")))(
    "%s goes through all of them, in order",
    (name) => {
      const all = ["check base", "partition", "unpack", "enter", "playbook", "clean up"];
      expect(namesOf(phasesOf(name))).toEqual(all);
    },
  );

  test("a build that fails early shows only what it reached", () => {
    expect(namesOf(phasesOf("f-checksum"))).toEqual(["check base"]);
    expect(namesOf(phasesOf("f-no-partition-device"))).toEqual(["check base", "partition"]);
  });

  test("tasks are counted, skipped ones too", () => {
    const tasks = phasesOf("s-shell-local-native-python-1").filter(({ task }) => task !== undefined);
    expect(tasks.map(({ task }) => task)).toEqual([
      "Gathering Facts",
      "Copy the tree",
      "Template the release file",
      "Create the user",
      "Install the unit",
      "Enable the unit by link",
      "Fail on request",
      "Wait on request",
    ]);
    expect(tasks.at(-1)?.tasks).toBe(8);
  });

  test("progress never goes back, and noise is not shown", () => {
    const fractions: number[] = [];
    const texts: string[] = [];
    const lines: string[] = [];
    const update = (text: string, fraction?: number): void => {
      texts.push(text);
      if (fraction !== undefined) fractions.push(fraction);
    };
    const report = phaseReporter({ line: (text) => lines.push(text), update }, 8);
    for (const event of recordedEvents("s-shell-local-native-python-1")) report(event);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBeLessThan(1);
    expect(texts).toContain("task 4 of 8: Create the user");
    expect(lines).toContain("changed: [default]");
    expect(lines.filter((line) => /DEBUG|fuser/.test(line))).toEqual([]);
  });
});
