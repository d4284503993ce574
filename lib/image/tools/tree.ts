import type { Command } from "../../external/process.ts";

export interface ToolRun {
  /** Absolute paths, visible inside at the same place. `target` puts one elsewhere. */
  readonly binds?: readonly {
    readonly source: string;
    readonly target?: string;
    readonly readOnly?: boolean;
  }[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/**
 * The root file system that holds the build tools (Debian trixie of the host's own architecture).
 * A command made here runs chrooted in a mount and PID namespace of its own: when it ends, or when this
 * process dies, every mount and process it made is gone. The host's network, /dev and /sys are shared.
 */
export interface ToolsTree {
  readonly path: string;
  /** SHA-256 (hex) of the tree's resolved package list. */
  readonly digest: string;
  command(
    argv: readonly [string, ...string[]],
    run: ToolRun & Omit<Command, "argv" | "env" | "cwd">,
  ): Command;
}
