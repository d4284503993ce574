/** A position in a file a person can open. Line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

export interface FailureOptions {
  /** What the reader can do about it, as one sentence or one command. */
  readonly fix?: string;
  readonly place?: Place;
  /** Further lines to show below the message: a tool's last output, all problems of a file. */
  readonly details?: readonly string[];
  readonly cause?: unknown;
}

/**
 * Base of every error this project raises on purpose. Each area has one subclass with a closed
 * `code` union; whatever is not a Failure is a bug and is shown with its stack.
 */
export abstract class Failure<Code extends string = string> extends Error {
  abstract readonly area: string;
  readonly code: Code;
  readonly fix: string | undefined;
  readonly place: Place | undefined;
  readonly details: readonly string[];

  constructor(code: Code, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.fix = options.fix;
    this.place = options.place;
    this.details = options.details ?? [];
  }
}

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `cluster.yaml:12:7`, the form editors and terminals make clickable. */
export function formatPlace(place: Place): string {
  return [place.file, place.line, place.column].filter((part) => part !== undefined).join(":");
}

/** The lines a person reads when a command fails: place, message, details, fix, muted causes. */
export function describeFailure(error: unknown): string[] {
  if (!(error instanceof Failure)) {
    return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  }
  const place = error.place === undefined ? "" : `${formatPlace(error.place)}: `;
  const lines = [`${place}${error.message}`, ...error.details.map((detail) => `  ${detail}`)];
  if (error.fix !== undefined) lines.push(`  fix: ${error.fix}`);
  if (error.cause instanceof Error) lines.push(`  cause: ${error.cause.message}`);
  return lines;
}

/** Whether an interruption, of whatever area, is what an error or one of its causes tells of. */
export function wasInterrupted(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof Failure && error.code === "INTERRUPTED") return true;
  return wasInterrupted(error.cause);
}
