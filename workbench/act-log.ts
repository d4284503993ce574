import { z } from "zod";

const lineSchema = z.object({
  msg: z.string(),
  job: z.string().optional(),
  jobID: z.string().optional(),
  stepID: z.array(z.string()).optional(),
  matrix: z.record(z.string(), z.unknown()).nullish(),
  jobResult: z.string().optional(),
  stage: z.string().optional(),
  step: z.string().optional(),
  stepResult: z.string().optional(),
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

export interface FailedStep {
  /** The job's key in the workflow, with the id of its matrix. */
  readonly job: string;
  readonly step: string;
  /** What it annotated as errors. */
  readonly errors: readonly string[];
  /** What it printed, but for commands to the runner. */
  readonly lines: readonly string[];
}

export interface WorkflowRun {
  readonly jobs: readonly JobRun[];
  readonly annotations: readonly Annotation[];
  readonly failures: readonly FailedStep[];
  /** By `<job>.<step>.<output>`, for steps with an id. */
  readonly outputs: Readonly<Record<string, string>>;
  /** The Markdown each step added to its job's summary, in order. */
  readonly summaries: readonly string[];
  /** What the steps printed, for people. */
  readonly log: string;
}

/** `rebuild.yml/compile`; `release/release.yml/compile` where the job `release` calls the workflow. */
const CALLED = /^(.+)\/[^/]+\.ya?ml\/[^/]*$/;

/**
 * `image agent-rpi-arm64`: a job's key, with the id of its matrix; `release / image agent-rpi-arm64` in a workflow
 * that the job `release` calls, as GitHub writes it.
 */
export function jobName({ job = "", jobID, matrix }: Pick<Line, "job" | "jobID" | "matrix">): string {
  const id = matrix?.id ?? Object.values(matrix ?? {})[0];
  const name = [jobID, id].filter((part) => part !== undefined).join(" ");
  return [...(CALLED.exec(job)?.[1]?.split("/") ?? []), name].join(" / ");
}

/**
 * How a job itself ended: act gives every job of a matrix the result of one that failed before it. `stepFailed`: one of
 * its own steps did.
 */
export function ownResult(jobResult: string, stepFailed: boolean): string {
  return jobResult === "failure" && !stepFailed ? "success" : jobResult;
}

/** What a step is called: an action by its folder, a command by its first line. */
export function stepName(step: string): string {
  return (step.split("\n")[0] ?? "").replace(/^\.\/actions\//, "").replace(/@[0-9a-f]{40}$/, "");
}

/** The steps that failed, in the order they did. Steps of jobs that run at the same time are told apart. */
function failedSteps(lines: readonly Line[]): FailedStep[] {
  const steps = new Map<string, { errors: string[]; lines: string[] }>();
  return lines.flatMap((line) => {
    const { step, stage, stepID, stepResult, command, arg = "", msg } = line;
    const key = JSON.stringify([jobName(line), stage, stepID]);
    const seen = steps.get(key) ?? { errors: [], lines: [] };
    steps.set(key, seen);
    if (command === "error") seen.errors.push(arg);
    if (line.raw_output === true) seen.lines.push(msg.trimEnd());
    return stepResult === "failure" ? [{ job: jobName(line), step: stepName(step ?? ""), ...seen }] : [];
  });
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
  const failures = failedSteps(lines);
  const failed = new Set(failures.map(({ job }) => job));
  const jobs = lines.flatMap((line) => {
    const { jobID, jobResult, matrix } = line;
    if (jobID === undefined || jobResult === undefined) return [];
    return [{ job: jobID, matrix: matrix ?? {}, result: ownResult(jobResult, failed.has(jobName(line))) }];
  });
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
  return { jobs, annotations, failures, outputs: Object.fromEntries(outputs), summaries, log };
}
