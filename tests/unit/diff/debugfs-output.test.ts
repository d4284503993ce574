import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseHeader, parseInodes, parseListing, pathsOf } from "../../../lib/diff/debugfs-output.ts";

// What debugfs 1.47 printed for a slot of this project, of which /etc/hosts had been given attributes.
const fixture = (name: string) => readFileSync(join(import.meta.dirname, "fixtures", name), "utf8");
const linesOf = (name: string) => fixture(name).split("\n");

describe("inodes", () => {
  const inodes = parseInodes(linesOf("stat.txt"));

  it("are all read, unused ones too", () => {
    expect([...inodes].map(([number, { type, links }]) => [number, type, links])).toEqual([
      [2, "directory", 19],
      [3, "bad type", 0],
      [12, "symlink", 1],
      [35, "character special", 1],
      [123, "regular", 1],
    ]);
  });

  it("have what a file system keeps of a file", () => {
    expect(inodes.get(123)).toEqual({
      ...{ type: "regular", mode: "0644", owner: "0:0", bytes: 108, links: 1, device: undefined },
      modified: "2026-11-21T02:10:46Z",
      attributes: ["security.bin = 01 02", 'user.note = "hello"'],
      ...{ runs: [{ logical: 0, physical: 6819, blocks: 1 }], target: undefined },
    });
    expect(inodes.get(35)).toMatchObject({ device: "01:03", mode: "0666", attributes: [], runs: [] });
    expect(inodes.get(12)).toMatchObject({ target: "usr/bin", runs: [] });
  });

  it.each([
    ["mtime: 0x00000000:00000000", "1970-01-01T00:00:00Z"],
    ["mtime: 0x00000000", "1970-01-01T00:00:00Z"],
    ["mtime: 0xffffffff:00000000", "1969-12-31T23:59:59Z"],
    ["mtime: 0x00000000:00000001", "2106-02-07T06:28:16Z"],
    ["mtime: 0x00000001:00000004", "1970-01-01T00:00:01.000000001Z"],
    ["mtime: 0x00000001:ee6b27fc", "1970-01-01T00:00:01.999999999Z"],
  ])("know the time: %s", (line, expected) => {
    const text = fixture("stat.txt").replace(/mtime: 0x6a5a60bc:00000000/, line);
    expect(parseInodes(text.split("\n")).get(12)?.modified).toBe(expected);
  });

  it("do not pretend to know where the content of a file lies that is kept in the inode", () => {
    const text = fixture("stat.txt").replace(
      "Mode:  0644   Flags: 0x80000",
      "Mode:  0644   Flags: 0x10000000",
    );
    expect(parseInodes(text.split("\n")).get(123)?.runs).toBeUndefined();
  });

  it("know owners and modes beyond root's", () => {
    const text = fixture("stat.txt")
      .replace(
        "User:     0   Group:     0   Project:     0   Size: 108",
        "User:     1   Group: 65534   Size: 9",
      )
      .replace("Type: regular    Mode:  0644", "Type: regular    Mode:  4755");
    expect(parseInodes(text.split("\n")).get(123)).toMatchObject({
      owner: "1:65534",
      mode: "4755",
      bytes: 9,
    });
  });
});

describe("folders", () => {
  it("are read with their names and inodes", () => {
    const { folders, strange } = parseListing(linesOf("ls.txt"));
    expect(strange).toEqual([]);
    expect([...folders].map(([inode, entries]) => [inode, entries.length])).toEqual([
      [2, 20],
      [704, 0],
      [30, 0],
    ]);
    expect(folders.get(2)?.slice(0, 2)).toEqual([
      { name: "lost+found", inode: 11 },
      { name: "bin", inode: 12 },
    ]);
  });

  it("keep names with blanks and letters of any language, and leave out empty room", () => {
    const lines = ["debugfs: ls -p <2>", "/5/100644/0/0/Főtanú sítvány.crt/7/", "/0/000000/0/0//0/"];
    const { folders, strange } = parseListing(lines);
    expect(folders.get(2)).toEqual([{ name: "Főtanú sítvány.crt", inode: 5 }]);
    expect(strange).toEqual([]);
  });

  it("tell a name that goes over two lines", () => {
    const { strange } = parseListing(["debugfs: ls -p <2>", "/5/100644/0/0/one", "two/7/"]);
    expect(strange).toEqual(["/5/100644/0/0/one", "two/7/"]);
  });

  it("become paths, each hard link with its own", () => {
    const lines = [
      ...["debugfs: ls -p <2>", "/9/040755/0/0/b//", "/8/040755/0/0/a//", "/7/100644/0/0/x/1/"],
      ...["debugfs: ls -p <8>", "/7/100644/0/0/x/1/", "debugfs: ls -p <9>"],
    ];
    expect(pathsOf(parseListing(lines))).toEqual([
      ["/b", 9],
      ["/a", 8],
      ["/a/x", 7],
      ["/x", 7],
    ]);
  });

  it("that contain themselves, as only damage makes them, do not trap the reader", () => {
    const lines = ["debugfs: ls -p <2>", "/8/040755/0/0/a//", "debugfs: ls -p <8>", "/2/040755/0/0/b//"];
    expect(pathsOf(parseListing(lines))).toEqual([
      ["/a", 8],
      ["/a/b", 2],
    ]);
  });
});

describe("the header of a file system", () => {
  it("is read", () => {
    expect(parseHeader(fixture("stats.txt"))).toMatchObject({
      ...{ label: "slot", inodes: "13056", blocks: "97280", created: "Sat Nov 21 02:10:46 2026" },
      uuid: "51979ad7-e0b4-8297-80bc-1ce3f8c2f719",
    });
  });

  it("is none where debugfs found none", () => {
    expect(parseHeader("stats: Filesystem not open\n")).toBeUndefined();
  });
});
