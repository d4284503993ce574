import type { Reporter } from "./reporter.ts";
import { type StepState, trackSteps } from "./tracker.ts";
import { formatDuration } from "./words.ts";
import { annotationProperties, defuse, workflowCommand } from "./workflow-command.ts";

export interface GithubOptions {
  readonly write: (text: string) => void;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
}

/** A folded group per step with its tools' whole output, and annotations for warnings and errors. */
export function githubReporter(options: GithubOptions): Reporter {
  // Groups cannot nest: an inner step closes the outer one's group, whose later lines stand unfolded.
  let open: StepState | undefined;
  const print = (text: string): void => options.write(`${text}\n`);
  const close = (): void => {
    if (open !== undefined) print(workflowCommand("endgroup", {}, ""));
    open = undefined;
  };
  return trackSteps(
    {
      showsLines: true,
      begin(step) {
        close();
        const usually = step.expectedMs === undefined ? "" : ` (usually ${formatDuration(step.expectedMs)})`;
        print(workflowCommand("group", {}, `${step.title}${usually}`));
        open = step;
      },
      line: (_step, text) => print(defuse(text)),
      end(step, end) {
        if (open === step) close();
        const how = end.failed ? "failed after" : "done in";
        print(`${step.title} ${how} ${formatDuration(end.elapsedMs)}`);
      },
      message(level, text, place) {
        if (level === "info") print(defuse(text));
        else print(workflowCommand(level, annotationProperties(place), text));
      },
    },
    options.now,
  );
}
