import { z } from "zod";

const lineSchema = z.object({
  msg: z.string(),
  jobID: z.string().optional(),
  stepID: z.array(z.string()).optional(),
  matrix: z.record(z.string(), z.unknown()).nullish(),
  jobResult: z.string().optional(),
  raw_output: z.boolean().optional(),
  command: z.string().optional(),
  name: z.string().optional(),
  arg: z.string().optional(),
  content: z.string().optional(),
  kvPairs: z.record(z.string(), z.string()).nullish(),
});

type Line = z.output<typeof lineSchema>;

export interface Annotation {
  readonly level: "error" | "warning";
  readonly text: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

export interface JobRun {
  /** The job's key in the workflow. */
  readonly job: string;
  readonly matrix: Readonly<Record<string, unknown>>;
  readonly result: string;
}

export interface WorkflowRun {
  readonly jobs: readonly JobRun[];
  readonly annotations: readonly Annotation[];
  /** By `<job>.<step>.<output>`, for steps with an id. */
  readonly outputs: Readonly<Record<string, string>>;
  /** The Markdown each step added to its job's summary, in order. */
  readonly summaries: readonly string[];
  /** What the steps printed, for people. */
  readonly log: string;
}

/** Lines of a run that failed, for people in a hurry. */
const MOST_LINES = 6;

/**
 * Why a run failed, on one line: the errors its steps annotated, else the last lines it printed. For a test's message,
 * of which often the first line only is seen.
 */
export function whyFailed({ annotations, log }: Pick<WorkflowRun, "annotations" | "log">): string {
  const errors = annotations.filter(({ level }) => level === "error").map(({ text }) => text);
  const lines = (errors.length > 0 ? errors.join("\n") : log.trim())
    .split("\n")
    .filter((line) => line.trim() !== "");
  return lines
    .slice(errors.length > 0 ? 0 : -MOST_LINES)
    .slice(0, MOST_LINES)
    .map((line) => line.trim().slice(0, 300))
    .join(" | ");
}

function parseLine(text: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** Reads what `act --json` prints, as recorded from 0.2.89. Lines that are not its JSON are left out. */
export function parseActLog(output: readonly string[]): WorkflowRun {
  const lines = output.map(parseLine).filter((line) => line !== undefined);
  const jobs = lines.flatMap(({ jobID, jobResult, matrix }) =>
    jobID === undefined || jobResult === undefined
      ? []
      : [{ job: jobID, matrix: matrix ?? {}, result: jobResult }],
  );
  const annotations = lines.flatMap(({ command, arg, kvPairs }) =>
    command === "error" || command === "warning"
      ? [
          {
            level: command,
            text: arg ?? "",
            file: kvPairs?.file,
            line: numberOf(kvPairs?.line),
            column: numberOf(kvPairs?.col),
          } as const,
        ]
      : [],
  );
  const outputs = lines.flatMap(({ command, jobID, stepID, name, arg }) =>
    command === "set-output" ? [[`${jobID}.${stepID?.at(-1)}.${name}`, arg ?? ""] as const] : [],
  );
  const summaries = lines.flatMap(({ command, content }) => (command === "summary" ? [content ?? ""] : []));
  const log = lines.map(({ msg, jobID }) => `${jobID ?? "act"}: ${msg.trimEnd()}`).join("\n");
  return { jobs, annotations, outputs: Object.fromEntries(outputs), summaries, log };
}
