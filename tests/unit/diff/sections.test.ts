import { describe, expect, it } from "vitest";
import { renderDiff } from "../../../cli/diff-tables.ts";
import { diffMarkdown } from "../../../lib/diff/markdown.ts";
import type { Change, ImageDiff } from "../../../lib/diff/schema.ts";
import { headline, sectionsOf } from "../../../lib/diff/sections.ts";

const images: ImageDiff["images"] = [
  { name: "a.img.zst", bytes: 1 },
  { name: "b.img.zst", bytes: 1 },
];
const nothing = { packages: [], paths: [], boot: [], disk: [], bytes: [] };
const differing = (more: Partial<ImageDiff>): ImageDiff => ({
  ...{ version: 1, equal: false, images, ...nothing, ...more },
});
const changed = (name: string, ...aspects: Change["aspects"]): Change => ({
  ...{ name, change: "changed", aspects },
});
const time = { aspect: "time", from: "1", to: "2" };
const content = { aspect: "content", from: "aa", to: "bb" };

const all = differing({
  packages: [
    { name: "curl:arm64", change: "changed", aspects: [{ aspect: "version", from: "8.1", to: "8.2" }] },
    { name: "tree:arm64", change: "added", aspects: [{ aspect: "version", to: "2.1" }] },
  ],
  paths: [
    changed("/etc/a", time),
    changed("/etc/b", content, { aspect: "mode", from: "0644", to: "0755" }, time),
    {
      ...{ name: "/etc/c", change: "removed" },
      aspects: [
        { aspect: "kind", from: "link" },
        { aspect: "target", from: "b" },
        { aspect: "mode", from: "0777" },
      ],
    },
  ],
  boot: [changed("config.txt", content)],
  disk: [changed("boot state, copy 1", { aspect: "BOOT_ORDER", from: "A", to: "A B" })],
  bytes: [{ region: "outside of these", ranges: [{ offset: 600, bytes: 2 }], more: 3 }],
});

describe("a comparison", () => {
  it("is told in one line", () => {
    expect(headline({ ...differing({}), equal: true })).toBe("a.img.zst and b.img.zst are equal");
    expect(headline(all)).toBe(
      "a.img.zst and b.img.zst differ: 2 packages, 3 paths of slot A, 1 file of p1, 1 part of the disk, bytes in outside of these",
    );
  });

  it("becomes tables: packages first, mere times last", async () => {
    expect(await renderDiff(all, 50)).toBe(`${headline(all)}

packages
         package     from  to
changed  curl:arm64  8.1   8.2
added    tree:arm64        2.1

paths of slot A
         path    what
changed  /etc/b  content, mode 0644 -> 0755, time
removed  /etc/c  link, to b
changed  /etc/a  time

files of p1
         file        what
changed  config.txt  content

the disk
         part                what
changed  boot state, copy 1  BOOT_ORDER A -> A B

bytes that belong to nothing above
part              offset  bytes
outside of these  600     2
... and 3 more; --all shows them
`);
  });

  it("shows as many rows as are wanted, and says how many there are beyond", async () => {
    const [packages, paths] = sectionsOf(all, 1);
    expect(packages).toMatchObject({ rows: [{}, {}], more: 0 });
    expect(paths).toMatchObject({ rows: [["changed", "/etc/b", expect.anything()]], more: 2 });
    expect(await renderDiff(all, 1)).toContain("/etc/b  content, mode 0644 -> 0755, time\n... and 2 more;");
  });

  it("becomes Markdown for summaries", () => {
    const text = diffMarkdown(differing({ paths: [changed("/etc/<b>|c", content)] }));
    expect(text).toBe(`a.img.zst and b.img.zst differ: 1 path of slot A

#### paths of slot A

|  | path | what |
| --- | --- | --- |
| changed | /etc/&lt;b&gt;\\|c | content |
`);
    expect(diffMarkdown(all, 2)).toContain("\nand 1 more\n");
  });

  it("does not let an image steer the terminal, nor fill it", async () => {
    const long = { aspect: "attributes", from: "x".repeat(5000), to: "" };
    const text = await renderDiff(differing({ paths: [changed("/a\u001b[2J\n", long)] }), 9);
    expect(text).toContain("/a\\u{1b}[2J\\u{a}");
    expect(text.length).toBeLessThan(500);
  });
});
