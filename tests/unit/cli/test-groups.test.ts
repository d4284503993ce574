import { describe, expect, it } from "vitest";
import { chooseGroups, type Door, testGroups } from "../../../cli/test-groups.ts";

const groups = testGroups("/cache");
const chosen = (door: Door, name?: string): string[] =>
  chooseGroups(groups, door, name).map((group) => group.name);

describe("the groups behind a door", () => {
  it("that look at images come after their build, named or not", () => {
    expect(chosen("deep", "boot-virt")).toEqual(["build", "boot-virt"]);
    expect(chosen("deep").slice(0, 2)).toEqual(["build", "boot-raspi3b"]);
    expect(chosen("ci", "node")).toEqual(["build", "node"]);
  });

  it("build nothing for those that look at none, and nothing twice", () => {
    expect(chosen("deep", "bench-upload")).toEqual(["bench-upload"]);
    expect(chosen("fast")).not.toContain("build");
    expect(chosen("ci").filter((name) => name === "build")).toHaveLength(1);
    expect(chosen("ci", "build")).toEqual(["build"]);
  });

  it("of a name that nobody has are none", () => expect(chosen("deep", "nothing")).toEqual([]));

  it("have names of their own", () => expect(new Set(chosen("deep")).size).toBe(chosen("deep").length));
});
