import { describe, expect, test } from "vitest";
import {
  matrixOf,
  selectAffected,
  selectAll,
  selectProfiles,
} from "../../../actions/compile-profiles/select.ts";
import { planOf } from "./plan-of.ts";

const plan = planOf(
  ["agent", "a2", { definition: "d2", playbook: "p1" }],
  ["server", "s1", { definition: "e1", playbook: "p1" }],
);

describe("affected builds", () => {
  test("are those whose build id differs, with the names of what changed", () => {
    const before = planOf(
      ["agent", "a1", { definition: "d1", playbook: "p1" }],
      ["server", "s1", { definition: "e1", playbook: "p1" }],
    );
    const selections = selectAffected(plan, before);
    expect(selections.map(({ build, why }) => [build.profile, why])).toEqual([
      ["agent", "changed: definition"],
      ["server", ""],
    ]);
    expect(matrixOf(selections)).toEqual({
      include: [{ id: "agent-rpi-arm64", profile: "agent", board: "rpi-arm64" }],
    });
  });

  test("name an input only one of the two states knows", () => {
    const before = planOf(["agent", "a1", { definition: "d2", "role ./x": "x" }]);
    expect(selectAffected(plan, before)[0]?.why).toBe("changed: playbook, role ./x");
  });

  test("include a new build, and leave out one that is gone", () => {
    const before = planOf(["server", "s1"], ["storage", "t1"]);
    expect(selectAffected(plan, before).map(({ why }) => why)).toEqual(["new", ""]);
  });

  test("are all builds where the other state has no plan", () => {
    expect(matrixOf(selectAffected(plan, undefined))).toEqual(matrixOf(selectAll(plan)));
  });

  test("are none where nothing differs", () => {
    expect(matrixOf(selectAffected(plan, plan))).toEqual({ include: [] });
  });
});

describe("named profiles", () => {
  test("select their builds only", () => {
    expect(matrixOf(selectProfiles(plan, ["server"])).include.map(({ id }) => id)).toEqual([
      "server-rpi-arm64",
    ]);
  });

  test.each([
    [["sevrer"], "sevrer"],
    [[], "an empty list"],
  ])("%j is refused", (profiles, named) => {
    expect(() => selectProfiles(plan, profiles)).toThrow(
      expect.objectContaining({
        code: "INPUT",
        message: expect.stringContaining(named),
        fix: "choose among agent, server",
      }),
    );
  });
});
