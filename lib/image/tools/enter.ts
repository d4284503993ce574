import { asset } from "../../external/assets.ts";
import type { Command } from "../../external/process.ts";
import type { ToolRun, ToolsTree } from "./tree.ts";

const ENTER = asset("lib", "image", "tools", "enter.sh");

/**
 * The command that runs `argv` inside the tools tree. setpriv ties it to this process: were we killed,
 * the kernel kills unshare, with it the PID namespace and every mount made for it.
 */
export function enterCommand(
  tree: string,
  argv: readonly string[],
  run: ToolRun,
): readonly [string, ...string[]] {
  const binds = (run.binds ?? []).flatMap((bind) => [
    "bind",
    bind.source,
    bind.target ?? bind.source,
    bind.readOnly === true ? "ro" : "rw",
  ]);
  return [
    ...(["setpriv", "--pdeathsig", "KILL"] as const),
    ...["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--propagation", "private"],
    ...["sh", ENTER, tree, run.cwd ?? "/", ...binds, "--", ...argv],
  ];
}

/** A tools tree that exists at `path`. */
export function toolsTreeAt(path: string, digest: string): ToolsTree {
  return {
    path,
    digest,
    command: (argv, { binds, cwd, env, ...rest }): Command => ({
      name: argv[0],
      ...rest,
      argv: enterCommand(path, argv, {
        ...(binds === undefined ? {} : { binds }),
        ...(cwd === undefined ? {} : { cwd }),
      }),
      env: { HOME: "/tmp", PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...env },
    }),
  };
}
