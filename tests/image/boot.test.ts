import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BootOptions, type BootResult, bootImage } from "../../lib/emulator/boot.ts";
import type { BuiltImage } from "../../lib/emulator/find-image.ts";
import { findBuiltImage } from "../../lib/emulator/find-image.ts";
import { type MachineName, machineNames } from "../../lib/emulator/machine.ts";
import type { ToolsTree } from "../../lib/image/tools/tree.ts";
import { cacheDir, quietStep, testTools, world } from "./surroundings.ts";

/** The image to boot: a file, or the last build of the profile named, from the cache. */
const named = process.env.PI_TEST_IMAGE;
const profile = process.env.PI_TEST_PROFILE ?? "agent";
/** Times the first test starts the card. */
const boots = Number(process.env.PI_TEST_BOOTS ?? 2);
const machine: MachineName = machineNames.find((name) => name === process.env.PI_TEST_MACHINE) ?? "raspi3b";

async function builtImage(): Promise<BuiltImage | undefined> {
  if (named !== undefined) return { image: named, expected: {} };
  if (cacheDir === undefined) return undefined;
  return findBuiltImage(cacheDir, { cluster: "home", profile, board: "rpi-arm64" });
}

const tools = await testTools();
const built = tools === undefined ? undefined : await builtImage();

describe.runIf(built !== undefined)(`a built image on ${machine}`, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "boot-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const boot = (more: Partial<BootOptions>, on: { built: BuiltImage; tools: ToolsTree }) => {
    const options: BootOptions = {
      ...{ machine, ...on.built, boots: 1, scratch: join(folder, "scratch") },
      ...{ consoleLog: join(folder, "console.log"), ...more },
    };
    return bootImage(options, on.tools, world, quietStep);
  };
  const failed = (result: BootResult) => result.checks.filter((check) => !check.ok);
  const ready = () => {
    if (built === undefined || tools === undefined) throw new Error("no image");
    return { built, tools };
  };

  test("stays on A, marked good, boot after boot, and lets in the key of its identity and nobody else", async () => {
    const result = await boot({ boots, ssh: "throw-away" }, ready());
    expect(failed(result)).toEqual([]);
    expect(result.boots.map(({ report }) => [report.slot, report.markedGood, report.data.grown])).toEqual(
      Array.from({ length: boots }, () => ["A", true, true]),
    );
    const label = boots === 1 ? "" : `boot ${boots}: `;
    expect(result.checks.map((check) => check.name)).toContain(`${label}ssh with the identity's key`);
  });

  test("without an identity nobody gets in", async () => {
    const result = await boot({ ssh: "nobody" }, ready());
    expect(failed(result)).toEqual([]);
  });
});
