import type { NodePolicy } from "../../cluster/compile.ts";
import type { Build } from "../../cluster/plan.ts";

export interface Surroundings {
  readonly cluster: string;
  /** Absolute paths of the profile's own roles. */
  readonly roles: readonly string[];
  /** Folder with the public keys. */
  readonly keys: string;
  /** Seconds since 1970. */
  readonly epoch: number;
  readonly updater?: {
    /** Absolute path of Node for arm64. */
    readonly node: string;
    readonly policy: NodePolicy;
  };
}

/** The extra variables of the playbook: the resolved profile. */
export function playbookVariables(
  build: Build,
  { cluster, roles, keys, epoch, updater }: Surroundings,
): Record<string, unknown> {
  return {
    ...build.ansible.vars,
    home_pi: {
      cluster,
      profile: build.profile,
      board: build.board,
      role: build.role,
      build_id: build.buildId,
      epoch,
      boot: build.boot,
      compatible: `${cluster}-${build.profile}-${build.board}`,
      user_roles: roles,
      // Not "keys": to Jinja that is a method every dictionary has.
      public_keys: keys,
      ...(updater === undefined ? {} : { node_runtime: updater.node, update_policy: updater.policy }),
    },
  };
}
