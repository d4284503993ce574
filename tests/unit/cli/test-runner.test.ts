import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import type { CliContext } from "../../../cli/context.ts";
import type { TestGroup } from "../../../cli/test-groups.ts";
import { runGroups } from "../../../cli/test-runner.ts";
import { realWorld } from "../../../lib/external/world.ts";

const group = (name: string, script: string, beside?: true): TestGroup => ({
  ...{ name, doors: ["ci"], shows: "", argv: ["sh", "-c", script] },
  ...(beside === undefined ? {} : { beside }),
});

it("lets a group go on while the next ones run, and shows what it said in one piece at its end", async () => {
  const printed: string[] = [];
  const world = realWorld(new AbortController().signal);
  const context = {
    ...{ world, project: tmpdir(), cacheDir: tmpdir(), print: (text: string) => printed.push(text) },
  } as unknown as CliContext;
  const slow = group("slow", "echo slow begins; sleep 1; echo slow ends; exit 1", true);
  const results = await runGroups([slow, group("one", "echo one"), group("two", "echo two")], context);
  expect(results.map(({ group: { name }, ok }) => [name, ok])).toEqual([
    ["one", true],
    ["two", true],
    ["slow", false],
  ]);
  const lines = printed.join("").split("\n");
  expect(lines.indexOf("slow ends")).toBe(lines.indexOf("slow begins") + 1);
  expect(lines.indexOf("two")).toBeLessThan(lines.indexOf("slow begins"));
});
