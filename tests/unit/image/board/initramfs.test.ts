import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { filesOfInitramfs } from "../../../../lib/image/board/initramfs.ts";

/** A cpio archive of the kind the kernel takes, as `cpio -H newc` writes it. */
function cpio(files: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  const pad = (buffer: Buffer) => Buffer.concat([buffer, Buffer.alloc(-buffer.length & 3)]);
  for (const [name, text] of [...Object.entries(files), ["TRAILER!!!", ""] as const]) {
    const fields = [0, 0o100644, 0, 0, 1, 0, text.length, 0, 0, 0, 0, name.length + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
    parts.push(pad(Buffer.from(`${header}${name}\0`)), pad(Buffer.from(text)));
  }
  return Buffer.concat(parts);
}

const modules = cpio({ "usr/lib/modules/6.12/a.ko.xz": "xz", "./usr/lib/modules/6.12/b.ko.xz": "longer" });
const rest = cpio({ init: "#!/bin/sh\n", "conf/modules": "a\n" });
const all = ["usr/lib/modules/6.12/a.ko.xz", "usr/lib/modules/6.12/b.ko.xz", "init", "conf/modules"];

describe("the files of an initramfs", () => {
  it.each([
    ["zstd", zstdCompressSync(rest)],
    ["gzip", gzipSync(rest)],
    ["nothing", rest],
  ])("are listed across its archives, the last one packed by %s", (_how, packed) => {
    expect([...filesOfInitramfs(Buffer.concat([modules, Buffer.alloc(512), packed]))]).toEqual(all);
  });

  it("cannot be listed where it is torn or packed in another way", () => {
    expect(() => filesOfInitramfs(modules.subarray(0, 300))).toThrow("ends in the middle");
    expect(() => filesOfInitramfs(Buffer.from("BZh91AY&SY"))).toThrow("packed in an unknown way");
  });
});
