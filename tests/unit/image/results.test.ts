import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type BuildInfo, handOut } from "../../../lib/image/build/results.ts";
import { scratchFolder } from "../external/scratch-folder.ts";

const scratch = scratchFolder();
const info: BuildInfo = {
  version: 1,
  name: "home-agent-rpi-arm64",
  cluster: "home",
  profile: "agent",
  board: "rpi-arm64",
  buildId: "a".repeat(64),
  inputs: {},
  builder: "chroot",
  base: { sha256: "", epoch: 0 },
  tools: "",
  tree: { sha256: "" },
  slot: { bytes: 0, sha256: "" },
  disk: { bytes: 0, sha256: "" },
  durationMs: 0,
};
const kinds = ["buildinfo.json", "cdx.json", "img.zst"];
const named = (stem: string): string[] => kinds.map((kind) => `${stem}.${kind}`);
const stem = "home-agent-rpi-arm64-aaaaaaaaaaaa";

beforeEach(() => {
  mkdirSync(scratch.join("cached"));
  for (const name of ["disk.img.zst", "sbom.cdx.json", "buildinfo.json"])
    writeFileSync(scratch.join("cached", name), name);
});

const give = (out: string | undefined) =>
  handOut({ folder: scratch.join("cached"), reused: false }, info, out);

describe("the results of a build", () => {
  it("stay in the cache where no folder is given", async () => {
    expect(await give(undefined)).toMatchObject({
      id: "agent-rpi-arm64",
      image: scratch.join("cached/disk.img.zst"),
    });
  });

  it("get the names people see, in a folder that is made", async () => {
    const built = await give(scratch.join("new/out"));
    expect(built.image).toBe(scratch.join("new/out", `${stem}.img.zst`));
    expect(readdirSync(scratch.join("new/out")).sort()).toEqual(named(stem));
    expect(readFileSync(built.image, "utf8")).toBe("disk.img.zst");
  });

  it("replace those of earlier builds, half-written ones too, and touch nothing else", async () => {
    const out = scratch.join("out");
    mkdirSync(out);
    const earlier = named("home-agent-rpi-arm64-000000000000");
    const others = [
      ...named("home-server-rpi-arm64-000000000000"),
      ...named("home-agent-rpi-arm64-rpi-arm64-000000000000"),
      "home-agent-rpi-arm64-000000000000.txt",
      "home-agent-rpi-arm64-1.0.0.img.zst",
      "my-home-agent-rpi-arm64-000000000000.img.zst",
      "notes.md",
    ];
    for (const name of [
      ...earlier,
      `${earlier[2]}.part`,
      `${stem}.img.zst`,
      `${stem}.img.zst.part`,
      ...others,
    ]) {
      writeFileSync(join(out, name), "before");
    }
    await give(out);
    expect(readdirSync(out).sort()).toEqual([...named(stem), ...others].sort());
    for (const name of named(stem)) expect(readFileSync(join(out, name), "utf8")).not.toBe("before");
    for (const name of others) expect(readFileSync(join(out, name), "utf8")).toBe("before");
  });

  it("can be handed out again", async () => {
    await give(scratch.join("out"));
    await give(scratch.join("out"));
    expect(readdirSync(scratch.join("out")).sort()).toEqual(named(stem));
  });

  const memory = (): number | undefined => statSync("/dev/shm", { throwIfNoEntry: false })?.dev;
  it.skipIf(memory() === undefined || memory() === statSync("/tmp").dev)(
    "are copied to another file system (/dev/shm)",
    async () => {
      const out = mkdtempSync("/dev/shm/home-pi-test-");
      try {
        const { image } = await give(out);
        expect(statSync(image).dev).not.toBe(statSync(scratch.join("cached")).dev);
        expect(readFileSync(image, "utf8")).toBe("disk.img.zst");
        expect(readdirSync(out).sort()).toEqual(named(stem));
      } finally {
        rmSync(out, { recursive: true });
      }
    },
  );
});
