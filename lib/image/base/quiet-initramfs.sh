#!/bin/sh
# Keeps package scripts from making an initramfs, which takes minutes under emulation and would happen
# twice: `on` puts a stub before update-initramfs, `off` takes it away again.
#   quiet-initramfs.sh on|off ROOT
set -eu
action=$1
root=$2
real=/usr/sbin/update-initramfs
case $action in
on)
  chroot "$root" dpkg-divert --quiet --local --rename --divert $real.real --add $real
  printf '#!/bin/sh\nexit 0\n' >"$root$real"
  chmod 0755 "$root$real"
  ;;
off)
  rm "$root$real"
  chroot "$root" dpkg-divert --quiet --local --rename --remove $real
  ;;
esac
