import type { Reporter, Step } from "./reporter.ts";

export const silentStep: Step = { line: () => undefined, update: () => undefined };

/** Says nothing: for work whose caller tells people in words of its own. */
export const silentReporter: Reporter = {
  step: (_title, _options, work) => work(silentStep),
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
