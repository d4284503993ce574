import { expect, test } from "vitest";
import { chooseReporter } from "../../../lib/progress/create.ts";

test.each([
  [{ GITHUB_ACTIONS: "true" }, true, false, "github"],
  [{ GITHUB_ACTIONS: "true" }, false, true, "github"],
  [{ TERM: "xterm" }, true, false, "terminal"],
  [{ TERM: "xterm" }, true, true, "plain"],
  [{ TERM: "xterm" }, false, false, "plain"],
  [{ TERM: "dumb" }, true, false, "plain"],
  [{ CI: "true", TERM: "xterm" }, true, false, "plain"],
] as const)("environment %j, terminal %j, verbose %j: %s", (env, isTerminal, verbose, name) => {
  expect(chooseReporter({ env, isTerminal, verbose })).toBe(name);
});
