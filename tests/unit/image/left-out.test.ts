import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assetsRoot } from "../../../lib/external/assets.ts";

const boards = readdirSync(join(assetsRoot, "boards"));

describe.each(boards)("left-out.cfg of %s", (board) => {
  const text = readFileSync(join(assetsRoot, "boards", board, "left-out.cfg"), "utf8");
  const [head = "", ...groups] = text.trimEnd().split("\n\n");

  it("gives a reason for every group", () => {
    expect(head).toMatch(/^#/);
    expect(groups.length).toBeGreaterThan(3);
    for (const group of groups) expect(group).toMatch(/^# \S/);
  });

  it("holds nothing but what dpkg reads, sorted within a group but for exceptions", () => {
    for (const group of groups) {
      const lines = group.split("\n").filter((line) => !line.startsWith("#"));
      for (const line of lines) expect(line).toMatch(/^path-(exclude|include)=\/usr\/\S+$/);
      const excluded = lines.filter((line) => line.startsWith("path-exclude"));
      expect(excluded).toEqual([...new Set(excluded)].sort());
    }
  });
});
