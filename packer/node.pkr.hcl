# Turns the base into a node's root file system: an image with one ext4 partition, the base unpacked onto it,
# the playbook run in it. The image is only a carrier: its partition is read out again as a tree, so nothing
# here shapes the disk a Pi boots from.
#
# Every value comes by -var; nothing is read from the environment.

packer {
  required_version = ">= 1.16.0"

  required_plugins {
    arm = {
      source = "github.com/mkaczanowski/arm"
      # Releases 1.1.1 to 1.1.6 all say they are 1.1.0: a higher bound finds none.
      version = ">= 1.1.0"
    }
  }
}

variable "base_archive" {
  type        = string
  description = "Absolute path of the base, an uncompressed tar."

  validation {
    condition     = can(regex("^/[A-Za-z0-9/._-]+[.]tar$", var.base_archive))
    error_message = "The base_archive value must be an absolute path that can stand in a URL and ends in .tar."
  }
}

variable "base_sha256" {
  type        = string
  description = "SHA-256 of base_archive, 64 lower-case hex digits."

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.base_sha256))
    error_message = "The base_sha256 value must be 64 lower-case hex digits."
  }
}

variable "image_path" {
  type        = string
  description = "Absolute path of the image to make. Another ending than .img would make an archive of it."

  validation {
    condition     = can(regex("^/.*[.]img$", var.image_path))
    error_message = "The image_path value must be an absolute path that ends in .img."
  }
}

variable "image_bytes" {
  type        = number
  description = "Size of the image in bytes; only what is written takes room."

  validation {
    condition     = var.image_bytes >= 67108864
    error_message = "The image_bytes value must be 64 MiB or more."
  }
}

variable "mount_path" {
  type        = string
  description = "Absolute path the root file system is mounted at while the playbook runs."

  validation {
    condition     = can(regex("^/[^'\"\\\\\n]+$", var.mount_path))
    error_message = "The mount_path value must be an absolute path without quotes or backslashes."
  }
}

variable "playbook" {
  type        = string
  description = "Absolute path of the playbook."

  validation {
    condition     = can(regex("^/[^'\"\\\\\n]+$", var.playbook))
    error_message = "The playbook value must be an absolute path without quotes or backslashes."
  }
}

variable "vars_file" {
  type        = string
  description = "Absolute path of a JSON file with the playbook's variables."

  validation {
    condition     = can(regex("^/[^'\"\\\\\n]+$", var.vars_file))
    error_message = "The vars_file value must be an absolute path without quotes or backslashes."
  }
}

variable "native_python" {
  type        = string
  default     = ""
  description = "Root with a Python of the build host, usr/local/bin/bound-python3, that runs when bound at /mnt; or empty."

  validation {
    condition     = can(regex("^(|/.*)$", var.native_python))
    error_message = "The native_python value must be an absolute path, or empty."
  }
}

variable "qemu_binary" {
  type        = string
  default     = ""
  description = "The interpreter registered for arm64 programs; empty on an arm64 host, with DONT_SETUP_QEMU set."

  validation {
    condition     = can(regex("^(|/.+)$", var.qemu_binary))
    error_message = "The qemu_binary value must be an absolute path, or empty."
  }
}

source "arm" "node" {
  file_urls             = ["file://${var.base_archive}"]
  file_checksum         = var.base_sha256
  file_checksum_type    = "sha256"
  file_target_extension = "tar"
  # The plugin's own unpacking loses owners and modes: /etc/shadow would belong to root's group.
  file_unarchive_cmd = [
    "tar", "--extract", "--preserve-permissions", "--numeric-owner", "--xattrs", "--xattrs-include=*",
    "--file", "$ARCHIVE_PATH", "--directory", "$MOUNTPOINT",
  ]

  image_build_method = "new"
  image_path         = var.image_path
  image_size_bytes   = var.image_bytes
  image_type         = "dos"
  image_mount_path   = var.mount_path

  image_partitions {
    type         = "83"
    start_sector = 2048
    size         = "0"
    filesystem   = "ext4"
    # No journal: the tree is taken out right after, so there is nothing to replay, ever.
    filesystem_make_options = ["-q", "-F", "-L", "carrier", "-O", "^has_journal", "-E", "nodiscard"]
    mountpoint              = "/"
  }

  image_chroot_mounts {
    mount_type       = "proc"
    source_path      = "proc"
    destination_path = "/proc"
  }
  image_chroot_mounts {
    mount_type       = "sysfs"
    source_path      = "sysfs"
    destination_path = "/sys"
  }
  image_chroot_mounts {
    mount_type       = "bind"
    source_path      = "/dev"
    destination_path = "/dev"
  }
  image_chroot_mounts {
    mount_type       = "devpts"
    source_path      = "devpts"
    destination_path = "/dev/pts"
  }
  # What Ansible and the interpreter's copy leave behind is left in memory, not in the tree.
  image_chroot_mounts {
    mount_type       = "tmpfs"
    source_path      = "tmpfs"
    destination_path = "/tmp"
  }

  dynamic "additional_chroot_mounts" {
    for_each = var.native_python == "" ? [] : [var.native_python]
    content {
      mount_type       = "bind"
      source_path      = additional_chroot_mounts.value
      destination_path = "/mnt"
    }
  }

  # The kernel holds the registered interpreter open (flag F): the copy only satisfies the plugin.
  qemu_binary_source_path      = var.qemu_binary
  qemu_binary_destination_path = "/tmp/qemu-aarch64"
}

build {
  sources = ["source.arm.node"]

  # Not the Ansible plugin: that is one download more, an SSH proxy nobody needs, and deaf to SIGTERM
  # until the playbook is through.
  provisioner "shell-local" {
    inline_shebang = "/bin/sh -e"
    inline = [
      join(" ", [
        "exec ansible-playbook",
        "--inventory 'default,'",
        "--extra-vars '@${var.vars_file}'",
        "--extra-vars '{\"ansible_connection\": \"community.general.chroot\", \"ansible_host\": \"${var.mount_path}\"}'",
        "--extra-vars 'ansible_python_interpreter=${var.native_python == "" ? "/usr/bin/python3" : "/mnt/usr/local/bin/bound-python3"}'",
        "'${var.playbook}'",
      ]),
    ]
  }
}
