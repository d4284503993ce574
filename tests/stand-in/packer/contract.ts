/**
 * The attributes the real programs know, with their types, taken from the arm plugin's and Packer's
 * published documentation: what is not here would be refused by them.
 */
export type AttributeType = "string" | "number" | "strings" | "lists of strings";

export const PACKER_VERSION = "1.16.0";
/** What every 1.1.x release of the plugin says it is. */
export const PLUGIN_VERSION = "1.1.0";

export const SOURCE_ATTRIBUTES: Readonly<Record<string, AttributeType>> = {
  file_urls: "strings",
  file_checksum: "string",
  file_checksum_type: "string",
  file_checksum_url: "string",
  file_target_extension: "string",
  file_target_path: "string",
  file_tmp_dir_location: "string",
  file_unarchive_cmd: "strings",
  file_user_agent: "string",
  image_build_method: "string",
  image_chroot_env: "strings",
  image_mount_path: "string",
  image_path: "string",
  image_setup_extra: "lists of strings",
  image_size: "string",
  image_size_bytes: "number",
  image_type: "string",
  qemu_binary_source_path: "string",
  qemu_binary_destination_path: "string",
};

const CHROOT_MOUNT: Readonly<Record<string, AttributeType>> = {
  mount_type: "string",
  source_path: "string",
  destination_path: "string",
};

export const SOURCE_BLOCKS: Readonly<Record<string, Readonly<Record<string, AttributeType>>>> = {
  image_partitions: {
    name: "string",
    type: "string",
    start_sector: "number",
    size: "string",
    filesystem: "string",
    filesystem_make_options: "strings",
    mountpoint: "string",
  },
  image_chroot_mounts: CHROOT_MOUNT,
  additional_chroot_mounts: CHROOT_MOUNT,
};

export const SHELL_LOCAL_ATTRIBUTES: Readonly<Record<string, AttributeType>> = {
  command: "string",
  environment_vars: "strings",
  execute_command: "strings",
  inline: "strings",
  inline_shebang: "string",
  script: "string",
  scripts: "strings",
};

export const VARIABLE_ATTRIBUTES = ["type", "default", "description", "sensitive", "validation"];

/** What this project promises to set whenever it calls packer. */
export const ENVIRONMENT = [
  "CHECKPOINT_DISABLE",
  "HOME",
  "PACKER_CACHE_DIR",
  "PACKER_CONFIG_DIR",
  "PACKER_NO_COLOR",
  "PACKER_PLUGIN_PATH",
  "TMPDIR",
];
