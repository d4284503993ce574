import { describe, expect, it } from "vitest";
import { asset } from "../../../lib/external/assets.ts";
import { enterCommand, toolsTreeAt } from "../../../lib/image/tools/enter.ts";

const script = asset("lib/image/tools/enter.sh");
const isolated = [
  ...["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"],
  ...["--propagation", "private", "sh", script],
];

describe("the command that enters the tools tree", () => {
  it("dies with us, in a mount and PID namespace of its own", () => {
    expect(enterCommand("/tree", ["true"], {})).toEqual([...isolated, "/tree", "/", "--", "true"]);
  });

  it("binds what is named, at the same place or another, and read-only where that is said", () => {
    const binds = [
      { source: "/work" },
      { source: "/in", readOnly: true },
      { source: "/host", target: "/there" },
    ];
    expect(enterCommand("/tree", ["cp", "a b", "--", "bind"], { binds, cwd: "/work" })).toEqual([
      ...isolated,
      ...["/tree", "/work"],
      ...["bind", "/work", "/work", "rw"],
      ...["bind", "/in", "/in", "ro"],
      ...["bind", "/host", "/there", "rw"],
      ...["--", "cp", "a b", "--", "bind"],
    ]);
  });

  it("carries limits, signal and environment on; PATH and HOME are the tree's", () => {
    const { signal } = new AbortController();
    const tree = toolsTreeAt("/tree", "d".repeat(64));
    const command = tree.command(["rauc", "--version"], {
      env: { TZ: "UTC" },
      timeoutMs: 5,
      signal,
      accept: [0, 1],
    });
    expect(command).toMatchObject({ timeoutMs: 5, signal, accept: [0, 1] });
    expect(command.env).toMatchObject({
      TZ: "UTC",
      HOME: "/tmp",
      PATH: expect.stringContaining("/usr/sbin"),
    });
    expect(command.cwd).toBeUndefined();
    expect(tree.command(["x"], { env: { HOME: "/root" }, timeoutMs: 5 }).env?.HOME).toBe("/root");
  });
});
