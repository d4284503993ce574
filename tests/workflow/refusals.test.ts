import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ownRepository, resultsOf, start } from "./by-hand.ts";

let own: Awaited<ReturnType<typeof ownRepository>>;
beforeAll(async () => {
  own = await ownRepository();
});
afterAll(async () => {
  await own.scenario.remove();
  await own.cluster.remove();
});

const SECONDS = 1_000;

describe("rebuild.yml", () => {
  test.each([
    [{ version: "1.2" }, "is no version"],
    [{ version: "v1.2.3", profile: "agent" }, "a release has every image or none"],
    [{ profile: "agnet" }, "agnet"],
  ])("refuses %j in seconds, with a message, and builds nothing", async (inputs, message) => {
    const done = await start(own, { workflow: "rebuild.yml", inputs });
    expect(resultsOf(done), done.log).toEqual({ compile: "failure", "all-green": "failure" });
    expect(done.annotations.map(({ text }) => text).join("\n")).toContain(message);
    expect(done.durationMs).toBeLessThan(30 * SECONDS);
  });

  test("selects the profile that was asked for", async () => {
    const done = await start(own, { workflow: "rebuild.yml", inputs: { profile: "agent" }, job: "compile" });
    expect(done.outputs["compile.compile.matrix"], done.log).toBe(
      '{"include":[{"id":"agent-rpi-arm64","profile":"agent","board":"rpi-arm64"}]}',
    );
  });
});

describe("release.yml", () => {
  test("refuses a tag that looks like a version and is none", async () => {
    const done = await start(own, { workflow: "release.yml", event: "push", ref: "refs/tags/v1.2.x" });
    expect(resultsOf(done).compile, done.log).toBe("failure");
    expect(done.annotations.map(({ text }) => text).join("\n")).toContain("is no version");
  });

  test("builds every image for a version, whatever changed", async () => {
    const done = await start(own, {
      ...{ workflow: "release.yml", event: "push", ref: "refs/tags/v1.2.3", job: "compile" },
    });
    expect(done.outputs["compile.compile.matrix"], done.log).toContain("server-rpi-arm64");
    expect(done.outputs["compile.compile.matrix"]).toContain("agent-rpi-arm64");
  });
});
