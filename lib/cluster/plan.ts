/** A JSON value, as it may stand in a definition's `ansible.vars`. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export type NodeRole = "server" | "agent";

/** One image to build: a profile on a board, everything inherited already resolved. */
export interface Build {
  /** `<profile>-<board>`: the id in GitHub's matrix. */
  readonly id: string;
  readonly profile: string;
  readonly board: string;
  readonly role: NodeRole | null;
  /** The profile's own packages, sorted, without those every node has. */
  readonly packages: readonly string[];
  readonly ansible: {
    readonly vars: { readonly [name: string]: Json };
    /** Names or paths relative to the folder of cluster.yaml, in the order they run. */
    readonly roles: readonly string[];
  };
  readonly boot: {
    /** Device tree overlays by file name, applied in this order. */
    readonly overlays: readonly string[];
    /** Whether the boot script arms the hardware watchdog. */
    readonly watchdog: boolean;
  };
  /** SHA-256 (hex) over everything that shapes the image. */
  readonly buildId: string;
  /** Digests of what went into buildId, by name, so that two plans can be compared: definition, playbook, packages ... */
  readonly inputs: Readonly<Record<string, string>>;
}

export interface Plan {
  readonly cluster: string;
  readonly builds: readonly Build[];
}
