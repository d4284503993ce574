#!/bin/sh
# Unpacks a base, runs the playbook on it through chroot, and leaves the tree for packing. Runs inside the
# tools tree, in a mount namespace of its own.
#   chroot.sh BASE ROOT SCRIPTS native|plain ANSIBLE-PLAYBOOK-ARGUMENT...
set -eu
base=$1 root=$2 scripts=$3 speed=$4
shift 4
mkdir -p "$root"
tar --numeric-owner --xattrs --xattrs-include='*' -xpf "$base" -C "$root"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
python=/usr/bin/python3
emulated=no
[ "$(dpkg --print-architecture)" = arm64 ] || emulated=yes
if [ "$speed" = native ]; then
  # Each task also starts half a dozen shells and copies through them.
  [ "$emulated" = no ] || "$scripts/native-tools.sh" on-for-playbook "$root"
  # Ansible's modules run with the tools tree's Python: a module run costs 0.3 s instead of 5 to 13.
  mount --bind / "$root/mnt"
  mount -o remount,bind,ro "$root/mnt"
  python=/mnt/usr/local/bin/bound-python3
fi
ansible-playbook -i 'default,' -e "ansible_host=$root" -e ansible_connection=community.general.chroot \
  -e "ansible_python_interpreter=$python" "$@"
if [ "$speed" = native ]; then
  umount "$root/mnt"
  [ "$emulated" = no ] || "$scripts/native-tools.sh" off "$root"
fi
umount -R "$root/dev"
umount "$root/tmp" "$root/sys" "$root/proc"
umount "$root"
