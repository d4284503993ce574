import { describe, expect, it } from "vitest";
import { SUDOERS, withRunner } from "../../../workbench/runner/accounts.ts";

const passwd = "root:x:0:0:root:/root:/bin/bash\nada:x:1001:1001::/home/ada:/bin/sh\n";
const group = "root:x:0:\nada:x:1001:\nbuilders:x:1002:ada\n";

describe("the runner's account", () => {
  it("comes last, with ids that neither a user nor a group has", () => {
    expect(withRunner({ passwd, group }, "/scratch/home")).toEqual({
      uid: 1003,
      gid: 1003,
      passwd: `${passwd}runner:*:1003:1003::/scratch/home:/bin/bash\n`,
      group: `${group}runner:*:1003:\n`,
    });
  });

  it("has GitHub's id where that is free, and a line of its own in a file without a last line end", () => {
    const bare = { passwd: "root:x:0:0::/root:/bin/sh", group: "root:x:0:" };
    expect(withRunner(bare, "/home/runner")).toMatchObject({
      uid: 1001,
      passwd: "root:x:0:0::/root:/bin/sh\nrunner:*:1001:1001::/home/runner:/bin/bash\n",
    });
  });

  it("is the machine's own where it has one", () => {
    const there = { passwd: `${passwd}runner:x:1500:118::/home/runner:/bin/bash\n`, group };
    expect(withRunner(there, "/elsewhere")).toEqual({ ...there, uid: 1500, gid: 118 });
  });

  it("needs no password, and keeps sudo's own PATH", () => {
    expect(SUDOERS).toMatch(/^runner ALL=\(ALL\) NOPASSWD:ALL$/m);
    expect(SUDOERS).toMatch(/^Defaults secure_path=/m);
  });
});
