import { stripVTControlCharacters } from "node:util";

const DIFFERENCES = 4;
const LINES_PER_GROUP = 16;
const TAIL_LINES = 10;

/**
 * What of a failed group's output is repeated at the very end, where people and CI look first: each failed
 * test with its message and place; of a group without tests (lint, a build) its last lines.
 */
export function failureLines(output: string): string[] {
  const lines = stripVTControlCharacters(output)
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "" && !/^⎯+(\[\d+\/\d+\]⎯)?$/.test(line));
  const told: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (!/^\s*FAIL\s/.test(line)) continue;
    const rest = lines.slice(index + 1);
    const end = rest.findIndex((follower) => /^\s*(❯|FAIL\s)/.test(follower));
    const block = end < 0 ? rest : rest.slice(0, end);
    const place = rest.slice(end, end + 1).filter((follower) => follower.includes("❯"));
    // The message, then of what differs only what differs.
    const differing = block.slice(1).filter((follower) => /^[+-] (?!Expected|Received)/.test(follower));
    told.push(line.trim(), ...block.slice(0, 1), ...differing.slice(0, DIFFERENCES), ...place);
  }
  return told.length === 0 ? lines.slice(-TAIL_LINES) : told.slice(0, LINES_PER_GROUP);
}
