#!/bin/sh
# Removes from a root what differs from run to run or must not be in a public image: keys, ids, logs,
# package lists, and what mmdebstrap copied from the build machine.
#   scrub.sh ROOT
set -eu
root=$1
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/resolv.conf" "$root/etc/hostname" "$root/etc/machine-id" \
  "$root/var/lib/dbus/machine-id" "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$root"/etc/apt/apt.conf.d/99mmdebstrap \
  "$root/var/lib/systemd/random-seed" "$root/var/lib/systemd/credential.secret" \
  "$root"/etc/passwd- "$root"/etc/group- "$root"/etc/shadow- "$root"/etc/gshadow- "$root"/etc/subuid- "$root"/etc/subgid- \
  "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root/var/cache/ldconfig/aux-cache" \
  "$root"/boot/*.old "$root"/vmlinuz* "$root"/initrd.img*
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/tmp/*
# mmdebstrap still needs its own file there, and removes it last.
find "$root/tmp" -mindepth 1 -maxdepth 1 ! -name "mmdebstrap*" -exec rm -rf {} +
find "$root/var/log" -type f -delete
: >"$root/etc/machine-id"
