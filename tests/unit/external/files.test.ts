import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  exists,
  listTree,
  readTextIfPresent,
  roomAt,
  sha256OfFile,
  sha256OfText,
  writeAtomically,
} from "../../../lib/external/files.ts";
import { scratchFolder } from "./scratch-folder.ts";

const scratch = scratchFolder();

describe("writeAtomically", () => {
  it("makes the folders on the way and sets the mode", async () => {
    await writeAtomically(scratch.join("a/b/c.txt"), "text", 0o600);
    expect(readFileSync(scratch.join("a/b/c.txt"), "utf8")).toBe("text");
    expect(statSync(scratch.join("a/b/c.txt")).mode & 0o777).toBe(0o600);
  });

  it("replaces a file in one step: a reader sees the old or the new, whole", async () => {
    const file = scratch.join("file");
    const texts = ["a".repeat(300_000), "b".repeat(300_000)];
    await writeAtomically(file, texts[0] ?? "");
    let writing = true;
    const writes = (async () => {
      for (let round = 0; round < 20; round += 1) await writeAtomically(file, texts[round % 2] ?? "");
      writing = false;
    })();
    let reads = 0;
    while (writing) {
      expect(texts).toContain(await readTextIfPresent(file));
      reads += 1;
    }
    await writes;
    expect(reads).toBeGreaterThan(0);
    expect(readdirSync(scratch.path)).toEqual(["file"]);
  });

  it("leaves nothing behind where it fails", async () => {
    mkdirSync(scratch.join("taken/inside"), { recursive: true });
    await expect(writeAtomically(scratch.join("taken"), "text")).rejects.toThrow();
    expect(readdirSync(scratch.path)).toEqual(["taken"]);
  });
});

describe("readTextIfPresent", () => {
  it("is undefined for what is not there, and only for that", async () => {
    expect(await readTextIfPresent(scratch.join("nothing"))).toBeUndefined();
    await expect(readTextIfPresent(scratch.path)).rejects.toThrow(/EISDIR/);
  });
});

describe("listTree", () => {
  it("is in the order of code units, whatever the language of the machine", async () => {
    for (const name of ["b", "B", "a-b", "a.c", "ä", "Z"]) writeFileSync(scratch.join(name), "");
    mkdirSync(scratch.join("a"));
    writeFileSync(scratch.join("a", "z"), "");
    const paths = (await listTree(scratch.path)).map(({ path }) => path);
    expect(paths).toEqual(["B", "Z", "a", "a-b", "a.c", "a/z", "b", "ä"]);
  });

  it("names links as links and does not enter them", async () => {
    mkdirSync(scratch.join("real"));
    writeFileSync(scratch.join("real", "file"), "");
    symlinkSync("real", scratch.join("to-folder"));
    symlinkSync("nowhere", scratch.join("to-nothing"));
    expect(await listTree(scratch.path)).toEqual([
      { path: "real", kind: "folder" },
      { path: "real/file", kind: "file" },
      { path: "to-folder", kind: "link" },
      { path: "to-nothing", kind: "link" },
    ]);
  });
});

describe("digests", () => {
  it("are those of node's crypto, for files larger than a read and for text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), fc.nat(400), async (piece, times) => {
        const content = Buffer.concat(Array.from({ length: times }, () => piece));
        writeFileSync(scratch.join("file"), content);
        const wanted = createHash("sha256").update(content).digest("hex");
        expect(await sha256OfFile(scratch.join("file"))).toBe(wanted);
        expect(sha256OfText(content)).toBe(wanted);
      }),
      { numRuns: 20 },
    );
    const large = Buffer.alloc(3 * 1024 * 1024 + 1, "x");
    writeFileSync(scratch.join("large"), large);
    expect(await sha256OfFile(scratch.join("large"))).toBe(createHash("sha256").update(large).digest("hex"));
  });
});

describe("roomAt", () => {
  it("asks the file system a path will be on, before it is there", async () => {
    const wanted = scratch.join("not/yet/there");
    expect(await exists(wanted)).toBe(false);
    const room = await roomAt(wanted);
    expect(room.freeBytes).toBeGreaterThan(0);
    expect(room.freeFiles ?? 1).toBeGreaterThan(0);
    expect(room.refuses).toBeUndefined();
  });

  it("says why nothing can be written", async () => {
    expect((await roomAt("/proc/sys")).refuses).toMatch(/^E/);
    writeFileSync(scratch.join("file"), "");
    expect((await roomAt(scratch.join("file"))).refuses).toBe("ENOTDIR");
    expect((await roomAt(scratch.join("file/below"))).refuses).toBe("ENOTDIR");
  });
});
