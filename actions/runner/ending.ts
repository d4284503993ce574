import { realWorld, type World } from "../../lib/external/world.ts";
import { describeFailure, Failure, formatPlace, type Place } from "../../lib/failure.ts";
import { annotationProperties, defuse, workflowCommand } from "../../lib/progress/workflow-command.ts";

/** Set for the process that runs as root: its standard input is the line to the one the runner knows. */
export const LINE_TO_PARENT = "PI_LINE_TO_PARENT";

/** GitHub shows this many errors of a step beside the code; all of them are in the log. */
const ANNOTATIONS = 10;

export interface Remark {
  readonly text: string;
  readonly place?: Place;
}

/** A failure that is about several places of a file brings them along. */
export interface Remarks {
  readonly remarks: (error: unknown) => readonly Remark[] | undefined;
}

function remarksOf(error: unknown): readonly Remark[] {
  const [text = "failed", ...rest] = describeFailure(error);
  const place = error instanceof Failure ? error.place : undefined;
  return [{ text: [text, ...rest].join("\n"), ...(place === undefined ? {} : { place }) }];
}

/** The lines for the log: annotations for the first ten remarks, plain text for all others. */
export function failureLines(remarks: readonly Remark[]): string[] {
  return remarks.map(({ text, place }, at) =>
    at < ANNOTATIONS
      ? workflowCommand("error", annotationProperties(place), text)
      : defuse(place === undefined ? text : `${formatPlace(place)}: ${text}`),
  );
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  // Who read was killed. Unheard, the error would end us in the middle of tidying up.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", interrupt);
  if (process.env[LINE_TO_PARENT] !== undefined) {
    // The runner may not signal a process of root's: a word on the line, or its end, says the same.
    process.stdin.on("data", interrupt).on("end", interrupt).on("error", interrupt);
  }
  return controller.signal;
}

/**
 * Runs an action to its end: the one place where errors are caught. `work` resolves to the exit code.
 * The process is ended by hand, since idle connections and the line to the parent would keep it.
 */
export async function runAction(
  work: (world: World) => Promise<number>,
  remarks: Remarks["remarks"] = () => undefined,
): Promise<never> {
  const world = realWorld(interruption());
  let exitCode = 1;
  try {
    exitCode = await work(world);
  } catch (error) {
    if (world.signal.aborted) process.stdout.write("stopped: nothing half made is left\n");
    for (const line of failureLines(remarks(error) ?? remarksOf(error))) process.stdout.write(`${line}\n`);
  }
  await new Promise((resolve) => process.stdout.write("", resolve));
  process.exit(exitCode);
}
