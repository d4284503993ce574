import type { Reporter, Step } from "../../../lib/progress/reporter.ts";

export interface Update {
  readonly text: string;
  readonly fraction: number | undefined;
}

/** A step that keeps what it is told. */
export function recordingStep(): { readonly step: Step; readonly updates: Update[] } {
  const updates: Update[] = [];
  return {
    updates,
    step: { line: () => undefined, update: (text, fraction) => void updates.push({ text, fraction }) },
  };
}

/** Runs steps and keeps the words said beside them. */
export function quietReporter(): { readonly reporter: Reporter; readonly said: string[] } {
  const said: string[] = [];
  const say = (text: string): void => void said.push(text);
  return {
    said,
    reporter: {
      step: (_title, _options, work) => work(recordingStep().step),
      info: say,
      warn: say,
      error: say,
    },
  };
}
