import { describe, expect, it } from "vitest";
import { isBegun, nextKeys } from "../../../lib/manifest/next-keys.ts";
import { filesAfter } from "../../../lib/manifest/repository/change.ts";
import { rotate } from "../../../lib/manifest/repository/rotate.ts";
import { Bench, keyCalled, rootOf, signersOf } from "./example.ts";

const FOLDER = "/nowhere";
const idsOf = (names: readonly string[]) => names.map((name) => keyCalled(name).keyId);
const plan = (bench: Bench, online: readonly string[]) => {
  const { next, made } = nextKeys(bench.state, signersOf({ online }), "online", FOLDER);
  return { ids: next.keys.map(({ keyId }) => keyId), threshold: next.threshold, made };
};

describe("the keys that take over a role", () => {
  const bench = new Bench().release("v1.0.0");

  it("are new ones, with the next number", () => {
    const { ids, made } = plan(bench, ["online-1"]);
    expect(made).toEqual(["online-2.pem"]);
    expect(idsOf(["online-1"])).not.toEqual(ids);
  });

  it("are those an earlier run wrote before it was stopped", () => {
    expect(plan(bench, ["online-1", "online-2"])).toEqual({
      ids: idsOf(["online-2"]),
      threshold: 1,
      made: [],
    });
  });

  it("are new ones where the old key is lost", () => {
    expect(plan(bench, [])).toMatchObject({ made: ["online-2.pem"] });
  });

  it("are those that the last root added, where the rotation was stopped behind it", () => {
    const signers = signersOf({ online: ["online-1", "online-2"] });
    const request = { role: "online" as const, next: { keys: [keyCalled("online-2")], threshold: 1 } };
    const { change } = rotate(bench.state, request, { ...bench.signing, signers });
    const half = new Bench();
    half.files = filesAfter(bench.files, { ...change, writes: change.writes.slice(0, 1), removes: [] });
    expect(isBegun(half.state, "online")).toBe(true);
    expect(plan(half, ["online-1", "online-2"])).toEqual({
      ids: idsOf(["online-2"]),
      threshold: 1,
      made: [],
    });
    const whole = new Bench();
    whole.files = filesAfter(bench.files, change);
    expect(isBegun(whole.state, "online")).toBe(false);
    expect(plan(whole, ["online-1", "online-2"]).made).toEqual(["online-3.pem"]);
  });

  it("are as many as the role has", () => {
    const names = { online: ["online-1", "online-2"] };
    const two = new Bench(rootOf(names, { online: 2 }), signersOf(names)).release("v1.0.0");
    expect(plan(two, names.online)).toMatchObject({ threshold: 2, made: ["online-3.pem", "online-4.pem"] });
  });
});
