import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { interpreterIn, registeredInterpreter } from "../../../lib/image/provision/packer/interpreter.ts";

const MAGIC = "magic 7f454c460201010000000000000000000200b700";
const entry = (interpreter: string, first = "enabled", magic = MAGIC): string =>
  `${first}\ninterpreter ${interpreter}\nflags: OCF\noffset 0\n${magic}\nmask ffffffffffffff00fffffffffffffffffeffffff\n`;

let registry: string;
beforeEach(async () => {
  registry = await mkdtemp(join(tmpdir(), "binfmt-"));
  await writeFile(join(registry, "register"), "");
  await writeFile(join(registry, "status"), "enabled\n");
});
afterEach(() => rm(registry, { recursive: true }));

describe("registeredInterpreter", () => {
  test("takes an enabled entry for arm64 programs", async () => {
    await writeFile(join(registry, "jar"), entry("/usr/bin/jexec", "enabled", "magic 504b0304"));
    await writeFile(join(registry, "qemu-aarch64"), entry("/tools/usr/bin/qemu-aarch64"));
    expect(await registeredInterpreter(registry)).toBe("/tools/usr/bin/qemu-aarch64");
  });

  test("a disabled one is none", async () => {
    expect(interpreterIn(entry("/q", "disabled"))).toBeUndefined();
    await writeFile(join(registry, "qemu-aarch64"), entry("/q", "disabled"));
    await expect(registeredInterpreter(registry)).rejects.toMatchObject({ code: "BINFMT" });
  });

  test("neither is a kernel without the registry", async () => {
    await expect(registeredInterpreter(join(registry, "absent"))).rejects.toMatchObject({ code: "BINFMT" });
  });
});
