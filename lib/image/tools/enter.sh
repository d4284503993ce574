#!/bin/sh
# Enters the tools tree. Runs as process 1 of a mount and PID namespace of its own, so whatever is mounted
# or started here ends with it.
#   enter.sh TREE FOLDER [bind SOURCE TARGET rw|ro]... -- COMMAND [ARGUMENT]...
set -eu
# What is made in here may end up in an image, where the caller's umask has no say.
umask 022
tree=$1
folder=$2
shift 2

mount --bind "$tree" "$tree"
mount -t proc proc "$tree/proc"
mount --rbind /dev "$tree/dev"
mount --rbind /sys "$tree/sys"
mount -t tmpfs -o mode=0755 tmpfs "$tree/run"
mount -t tmpfs -o mode=1777 tmpfs "$tree/tmp"
resolver=$(readlink -f /etc/resolv.conf || true)
if [ -n "$resolver" ] && [ -f "$resolver" ]; then
  mount --bind "$resolver" "$tree/etc/resolv.conf"
fi
while [ "$1" = bind ]; do
  if [ -d "$2" ]; then
    mkdir -p "$tree$3"
  else
    mkdir -p "$(dirname "$tree$3")"
    [ -e "$tree$3" ] || : >"$tree$3"
  fi
  mount --rbind "$2" "$tree$3"
  [ "$4" = rw ] || mount -o remount,bind,ro "$tree$3"
  shift 4
done
shift
# The tree is shared by every build on this machine: nothing may change it.
mount -o remount,bind,ro "$tree"

# Not exec: process 1 ignores signals it has no handler for, and most tools have none for SIGTERM.
exec 3<&0
chroot "$tree" env -C "$folder" "$@" <&3 3<&- &
child=$!
exec 3<&-
trap 'kill -TERM "$child" 2>/dev/null || :' TERM INT HUP
status=0
wait "$child" || status=$?
while kill -0 "$child" 2>/dev/null; do
  status=0
  wait "$child" || status=$?
done
exit "$status"
