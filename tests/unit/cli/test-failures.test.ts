import { describe, expect, test } from "vitest";
import { failureLines } from "../../../cli/test-failures.ts";

const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;

describe("what is told again of a failed group", () => {
  test("each failed test with its message, what differs, and its place", () => {
    const output = [
      ` ${red("×")} a`,
      red("⎯⎯⎯ Failed Tests 2 ⎯⎯⎯"),
      "",
      `${red(" FAIL ")} unit tests/a.test.ts > a`,
      "AssertionError: expected [ 1, 2 ] to deeply equal [ 1 ]",
      "",
      "- Expected",
      "+ Received",
      "  [",
      red("+   2,"),
      "  ]",
      ` ${red("❯")} tests/a.test.ts:2:35`,
      '    2| test("a", () => 1);',
      "⎯⎯⎯⎯[1/2]⎯",
      `${red(" FAIL ")} unit tests/b.test.ts > b`,
      "Error: no luck",
      " ❯ tests/b.test.ts:3:31",
      "⎯⎯⎯⎯[2/2]⎯",
      " Test Files  1 failed (1)",
    ].join("\n");
    expect(failureLines(output)).toEqual([
      "FAIL  unit tests/a.test.ts > a",
      "AssertionError: expected [ 1, 2 ] to deeply equal [ 1 ]",
      "+   2,",
      " ❯ tests/a.test.ts:2:35",
      "FAIL  unit tests/b.test.ts > b",
      "Error: no luck",
      " ❯ tests/b.test.ts:3:31",
    ]);
  });

  test("of a group that has no tests, its last lines", () => {
    const output = Array.from({ length: 30 }, (_, index) => `line ${index}\n`).join("");
    expect(failureLines(output)).toEqual(Array.from({ length: 10 }, (_, index) => `line ${index + 20}`));
  });

  test("no more than a screen of them", () => {
    const output = " FAIL unit tests/a.test.ts > a\nError: no\n ❯ tests/a.test.ts:1:1\n".repeat(50);
    expect(failureLines(output)).toHaveLength(16);
  });
});
