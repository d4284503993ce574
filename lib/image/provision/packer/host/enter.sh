#!/bin/sh
# Gives packer, inside the tools tree, what the arm plugin looks for on its host, then becomes packer.
#   enter.sh COMMAND [ARGUMENT]...
set -eu
# The registry of interpreters: this namespace's /proc is a new one.
if [ "${DONT_SETUP_QEMU:-}" = "" ] && [ ! -e /proc/sys/fs/binfmt_misc/register ]; then
  mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
fi
# The list of mounts, which it reads by its old name. The tools tree cannot be written to.
if [ ! -e /etc/mtab ]; then
  cp -a /etc /tmp/etc
  ln -s /proc/self/mounts /tmp/etc/mtab
  mount --bind /tmp/etc /etc
fi
exec "$@"
