import { join } from "node:path";

/** What every call of packer gets: folders of its own, and no calls home. */
export function packerEnvironment(folder: string, plugins: string): Record<string, string> {
  return {
    CHECKPOINT_DISABLE: "1",
    PACKER_NO_COLOR: "1",
    PACKER_CONFIG_DIR: folder,
    PACKER_CACHE_DIR: join(folder, "cache"),
    PACKER_PLUGIN_PATH: plugins,
  };
}

/**
 * What Ansible gets through packer's shell-local provisioner. `scratch` is in memory and gone with the run;
 * `roles` is searched besides the playbook's own roles.
 */
export function ansibleEnvironment(scratch: string, roles: string): Record<string, string> {
  return {
    ANSIBLE_HOME: join(scratch, "ansible"),
    ANSIBLE_NOCOLOR: "1",
    // One round of the connection per module instead of four.
    ANSIBLE_PIPELINING: "True",
    ANSIBLE_REMOTE_TEMP: "/tmp/.ansible",
    ANSIBLE_ROLES_PATH: roles,
    // The one whose text the failures are read from.
    ANSIBLE_STDOUT_CALLBACK: "default",
    // Python must not leave compiled files in the tree: they carry times.
    PYTHONDONTWRITEBYTECODE: "1",
  };
}
