import type { Place } from "../../failure.ts";

/** The task a play ended at, as Ansible 2.16 to 2.20 print it with the default callback. */
export interface FailedTask {
  /** As printed, with the role before a colon: `node : Copy the units`. */
  readonly name: string;
  readonly host: string;
  readonly message: string;
  /** Where the task stands, when Ansible says so. */
  readonly place: Place | undefined;
  /** Last lines the module printed, standard error last. */
  readonly output: readonly string[];
}

/** Last lines shown of what a module printed. */
const OUTPUT_LINES = 40;
const TASK = /^(?:TASK|RUNNING HANDLER) \[(.*)\] \**$/;
const FAILED = /^(?:fatal|failed): \[([^\]]*)\][^=]*?: (?:FAILED|UNREACHABLE)! => (.*)$/;
const FAILED_ITEM = /^failed: \[([^\]]*)\] (\(item=.*?\)) => (.*)$/;
const ORIGIN = /^Origin: (.*?):(\d+):(\d+)$/;
const APPEARS = /The error appears to be in '(.*?)': line (\d+), column (\d+)/;

export function isTaskHeader(line: string): string | undefined {
  return TASK.exec(line)?.[1];
}

function placeIn(line: string): Place | undefined {
  const found = ORIGIN.exec(line) ?? APPEARS.exec(line);
  const [, file, lineNumber, column] = found ?? [];
  if (file === undefined) return undefined;
  return { file, line: Number(lineNumber), column: Number(column) };
}

/** What this project reads of a module's result. */
interface ModuleResult {
  readonly msg?: unknown;
  readonly stdout?: unknown;
  readonly stderr?: unknown;
  readonly module_stdout?: unknown;
  readonly module_stderr?: unknown;
  readonly failed_modules?: unknown;
}

function resultIn(json: string): ModuleResult {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function printed(value: unknown): string[] {
  return typeof value === "string" && value.trim() !== "" ? value.trimEnd().split("\n") : [];
}

function moduleOutput(result: ModuleResult): string[] {
  const own = [result.stdout, result.module_stdout, result.stderr, result.module_stderr].flatMap(printed);
  const failedModules = result.failed_modules;
  if (typeof failedModules !== "object" || failedModules === null) return own;
  const nested = Object.values(failedModules).flatMap((inner) => moduleOutput((inner ?? {}) as ModuleResult));
  return [...own, ...nested];
}

/**
 * The task that ended the play: the last one that failed and was not ignored. `lines` are single lines in
 * which escapes inside JSON are still as Ansible printed them.
 */
export function failedTask(lines: readonly string[]): FailedTask | undefined {
  let name = "";
  let place: Place | undefined;
  let last: FailedTask | undefined;
  let before: FailedTask | undefined;
  for (const line of lines) {
    const header = isTaskHeader(line);
    if (header !== undefined) {
      name = header;
      place = undefined;
      continue;
    }
    place = placeIn(line) ?? place;
    if (line.startsWith("...ignoring")) {
      last = before;
      continue;
    }
    const item = FAILED_ITEM.exec(line);
    const whole = FAILED.exec(line);
    const [host, json] = item === null ? [whole?.[1], whole?.[2]] : [item[1], item[3]];
    if (host === undefined || json === undefined) continue;
    const result = resultIn(json);
    const said = typeof result.msg === "string" ? result.msg : json.slice(0, 400);
    const message = item === null ? said : `${item[2] ?? ""} ${said}`;
    before = last;
    last = { name, host, message, place, output: moduleOutput(result).slice(-OUTPUT_LINES) };
  }
  return last;
}

/** An error that kept the playbook from running at all: its text and place. */
export function playbookError(
  lines: readonly string[],
): { message: string; place: Place | undefined } | undefined {
  const at = lines.findIndex((line) => /^(?:\[ERROR\]: |ERROR! )/.test(line));
  const first = lines[at];
  if (first === undefined) return undefined;
  const place = lines
    .slice(at)
    .map(placeIn)
    .find((found) => found !== undefined);
  return { message: first.replace(/^(?:\[ERROR\]: |ERROR! )/, ""), place };
}
