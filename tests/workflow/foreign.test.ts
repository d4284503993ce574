import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commitFiles } from "../contract/actions/repository.ts";
import { foreignRepository, KIOSK_TASKS, kioskTasks, runForeign } from "./foreign-repository.ts";
import { copyRepository, type Scenario } from "./scenario.ts";

let ours: Scenario;
let foreign: string;
beforeAll(async () => {
  ours = await copyRepository();
  foreign = await foreignRepository(ours);
});
afterAll(() => ours.remove());

const compile = (event: "push" | "pull_request") => runForeign(foreign, ours, { event, job: "compile" });

describe("another repository that uses our actions, without npm", () => {
  test("compiles its own definition with our boards, and gets annotations in its own files", async () => {
    expect(existsSync(join(ours.repository, "node_modules"))).toBe(false);
    const run = await compile("push");
    expect(run.outputs["compile.compile.matrix"], run.log).toBe(
      '{"include":[{"id":"kiosk-rpi-arm64","profile":"kiosk","board":"rpi-arm64"}]}',
    );
    expect(run.outputs["compile.compile.since"]).toBe("");
  });

  test("builds what its own role changes", async () => {
    await commitFiles(foreign, { [`pis/${KIOSK_TASKS}`]: kioskTasks("/etc/kiosk-2") });
    const changed = await compile("pull_request");
    expect(changed.summaries.join("\n"), changed.log).toContain("changed: role ./roles/kiosk");
    await commitFiles(foreign, { "README.md": "# Pis\n" });
    expect((await compile("pull_request")).outputs["compile.compile.any"]).toBe("false");
  });

  test("is told what is wrong at the line of its own file", async () => {
    const path = "pis/cluster.yaml";
    await commitFiles(foreign, {
      [path]: "cluster: elsewhere\nbase: { suite: trixie }\nprofiles:\n  a: { board: pi9 }\nnodes: {}\n",
    });
    const run = await compile("push");
    expect(run.succeeded).toBe(false);
    expect(run.annotations[0], run.log).toMatchObject({ file: path, line: 4 });
  });
});
