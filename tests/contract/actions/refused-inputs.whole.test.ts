import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runAction } from "./run-action.ts";

let folder: string;
let workspace: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "refused-"));
  workspace = join(folder, "workspace");
  await mkdir(workspace);
});
afterEach(() => rm(folder, { recursive: true }));

/** By action: inputs as a person may get them wrong, and what the first line says. */
const wrong: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  ["build-image", {}, "input `id`: is required"],
  ["build-image", { id: "agent-rpi-arm64", builder: "docker" }, "input `builder`: "],
  ["build-image", { id: "agent-rpi-arm64", artifact: "a/b" }, "digits, `.`, `_` and `-` only, not `a/b`"],
  ["build-image", { id: "agent-rpi-arm64", "compare-with": "main" }, "a commit in full, such as"],
  ["boot-image", {}, "input `image`: is required"],
  ["boot-image", { image: "a.img", machine: "raspi5" }, 'expected one of "raspi3b"|"virt", not `raspi5`'],
  ["boot-image", { image: "a.img", "build-id": "main" }, "64 hexadecimal digits, not `main`"],
  ["boot-image", { image: "a.img", deadline: "0" }, "at least 1 minute, not `0`"],
  ["setup-builder", { builder: "docker" }, "not `docker`"],
  ["setup-builder", { cache: "write" }, "not `write`"],
  ["setup-builder", { "free-disk": "lots" }, "a number of GiB, not `lots`"],
  ["compile-profiles", { version: "v1.0.0", profiles: "agent" }, "a release has every image or none"],
  ["publish-release", {}, "input `version`: is required"],
  ["publish-release", { version: "v1.0.0", "rekor-url": "https://a.example" }, "belong to a `fulcio-url`"],
  ["publish-manifest", {}, "input `change`: is required"],
  ["publish-manifest", { change: "block", reason: "x" }, "needs the input `version`"],
];

test.each(wrong)(
  "%s with %j is refused in one annotation, before anything is done",
  async (name, inputs, text) => {
    // Anything but the refusal would need more than there is: no root, no token, no definition.
    const ended = await runAction(name, inputs, folder, workspace, { PATH: "/nowhere" }, 10_000);
    expect(ended.exitCode).toBe(1);
    expect(ended.lines).toEqual([expect.stringMatching(/^::error::/)]);
    expect(ended.lines[0]).toContain(text);
    expect(ended.outputs).toEqual({});
    expect(ended.state).toEqual({});
  },
);

test("inputs that are wrong are all named, not the first one only", async () => {
  const inputs = { machine: "raspi5", deadline: "soon" };
  const { lines } = await runAction("boot-image", inputs, folder, workspace);
  for (const name of ["image", "machine", "deadline"])
    expect(lines.join("\n")).toContain(`input \`${name}\``);
});
