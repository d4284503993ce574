import { z } from "zod";
import { formatDuration } from "../../lib/progress/words.ts";
import { jobName, ownResult, stepName } from "../act-log.ts";

const lineSchema = z.object({
  job: z.string().optional(),
  jobID: z.string(),
  matrix: z.record(z.string(), z.unknown()).nullish(),
  time: z.iso.datetime({ offset: true }),
  msg: z.string(),
  stage: z.string().optional(),
  step: z.string().optional(),
  stepResult: z.string().optional(),
  /** Nanoseconds. */
  executionTime: z.number().optional(),
  jobResult: z.string().optional(),
  command: z.string().optional(),
  arg: z.string().optional(),
  raw_output: z.boolean().optional(),
});

type Line = z.output<typeof lineSchema>;

/** One job of a run, as it went. */
export interface JobTime {
  /** As jobName makes it: `image agent-rpi-arm64`. */
  readonly name: string;
  /** `success`, `failure`, or undefined as long as it runs, or where the run ended before it did. */
  readonly result: string | undefined;
  readonly durationMs: number;
}

const NANOSECONDS = 1e6;

function read(text: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** What a line of `act --json` tells a person who waits; undefined for all that is only for the log. */
function tell(line: Line): string | undefined {
  const { step = "", stage, stepResult, executionTime = 0, jobResult, command, arg = "", msg } = line;
  const name = jobName(line);
  if (jobResult !== undefined) return `${name}: ${jobResult}`;
  if (command === "error" || command === "warning") return `${name}: ${command}: ${arg.split("\n")[0]}`;
  if (command === "group") return `${name}: ${stepName(step)}: ${arg}`;
  if (stage === undefined || stage === "Pre") return undefined;
  const what = `${name}: ${stepName(step)}${stage === "Post" ? ", tidying up" : ""}`;
  if (stepResult !== undefined) {
    const took = formatDuration(executionTime / NANOSECONDS);
    if (stepResult !== "success") return `${what} failed after ${took}`;
    return stage === "Post" ? undefined : `${what} done in ${took}`;
  }
  return stage === "Main" && msg.includes("⭐ Run") ? `${what} ...` : undefined;
}

/** Follows a run by what act prints: says what is worth a line, and keeps how long each job took. */
export function watchRun() {
  const seen = new Map<
    string,
    { startMs: number; endMs: number; result: string | undefined; stepFailed: boolean }
  >();
  return {
    /** Takes one line of act's; what is to be shown of it. */
    take(text: string): string | undefined {
      const line = read(text);
      if (line === undefined) return undefined;
      const name = jobName(line);
      const atMs = Date.parse(line.time);
      const job = seen.get(name) ?? { startMs: atMs, endMs: atMs, result: undefined, stepFailed: false };
      const stepFailed = job.stepFailed || line.stepResult === "failure";
      const result = line.jobResult === undefined ? job.result : ownResult(line.jobResult, stepFailed);
      seen.set(name, { startMs: job.startMs, endMs: atMs, result, stepFailed });
      return tell(line.jobResult === undefined ? line : { ...line, jobResult: result });
    },
    /** The tools' own output of a line, for those who want all of it. */
    output(text: string): string | undefined {
      const line = read(text);
      return line?.raw_output === true ? `${jobName(line)}: ${line.msg.trimEnd()}` : undefined;
    },
    /** In the order they began. act's clock counts whole seconds. */
    jobs: (): JobTime[] =>
      [...seen].map(([name, { startMs, endMs, result }]) => ({ name, result, durationMs: endMs - startMs })),
  };
}

export type RunWatch = ReturnType<typeof watchRun>;
