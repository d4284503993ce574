import { describe, expect, it } from "vitest";
import { editScript } from "../../../lib/rehearsal/slot-edit.ts";

describe("editScript", () => {
  it("replaces what is there, adds what is not, and leaves both to root", () => {
    const edits = [
      { kind: "write", path: "/etc/motd", content: "hello" },
      { kind: "write", path: "/usr/bin/new", content: "#!/bin/sh", executable: true },
      { kind: "link", path: "/etc/link", target: "../motd" },
      { kind: "remove", path: "/etc/gone" },
    ] as const;
    expect(editScript(edits, "/folder", new Set(["/etc/motd", "/etc/gone"]))).toEqual([
      "rm /etc/motd",
      "write /folder/edit-0 /etc/motd",
      "set_inode_field /etc/motd uid 0",
      "set_inode_field /etc/motd gid 0",
      "set_inode_field /etc/motd mode 0100644",
      "write /folder/edit-1 /usr/bin/new",
      "set_inode_field /usr/bin/new uid 0",
      "set_inode_field /usr/bin/new gid 0",
      "set_inode_field /usr/bin/new mode 0100755",
      "symlink /etc/link ../motd",
      "rm /etc/gone",
    ]);
  });
});
