import { describe, expect, test } from "vitest";
import { githubReporter } from "../../../lib/progress/github.ts";
import { recorder } from "./recorder.ts";

function github() {
  const output = recorder();
  return { output, reporter: githubReporter({ write: output.write, now: output.now }) };
}

describe("reporter on GitHub", () => {
  test("folds a step's output into a group and says outside how long it took", async () => {
    const { output, reporter } = github();
    await reporter.step("base", { expectedMs: 90_000 }, async (step) => {
      step.line("Get:1 trixie InRelease");
      output.pass(61_000);
    });
    expect(output.lines()).toEqual([
      "::group::base (usually 1m 30s)",
      "Get:1 trixie InRelease",
      "::endgroup::",
      "base done in 1m 1s",
    ]);
  });

  test("opens no group inside a group, which the runner could not show", async () => {
    const { output, reporter } = github();
    await reporter.step("outer", {}, () => reporter.step("inner", {}, async (step) => step.line("x")));
    expect(output.lines()).toEqual([
      "::group::outer",
      "::endgroup::",
      "::group::inner",
      "x",
      "::endgroup::",
      "inner done in 0ms",
      "outer done in 0ms",
    ]);
  });

  test("annotates the line an error is about, with everything the runner would misread escaped", () => {
    const { output, reporter } = github();
    reporter.error("100 % wrong:\nsecond line", { file: "a,b:c.yaml", line: 12, column: 7 });
    reporter.warn("old");
    expect(output.lines()).toEqual([
      "::error file=a%2Cb%3Ac.yaml,line=12,col=7::100 %25 wrong:%0Asecond line",
      "::warning::old",
    ]);
  });

  test.each(["::add-mask::a", "  ::set-env name=PATH::x", "\t::stop-commands::t", "text ##[command]rm"])(
    "a role's output %j is no command to the runner",
    async (line) => {
      const { output, reporter } = github();
      await reporter.step("tree", {}, async (step) => step.line(line));
      reporter.info(line);
      for (const written of [output.lines()[1], output.lines().at(-1)]) {
        expect(written?.trimStart().startsWith("::")).toBe(false);
        expect(written).not.toContain("##[");
      }
    },
  );
});
