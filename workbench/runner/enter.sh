#!/bin/sh
# Runs a program as the runner's user. Started by root in a mount namespace of its own, so that what is laid over
# /etc and /usr is there for this program and what it starts only, and gone when the last of them has ended.
# enter.sh UID GID FOLDER SUDO PROGRAM...; FOLDER: etc/, laid over the machine's own, and before/, empty;
# SUDO: the package's files, where the machine has none of it, else empty.
set -eu
uid=$1 gid=$2 folder=$3 sudo=$4
shift 4
# An overlay shows no mount below it, such as the resolv.conf of a container: those are put back.
below=$(sed -n 's|^[^ ]* [^ ]* [^ ]* [^ ]* /etc/\([^ ]*\) .*|\1|p' /proc/self/mountinfo)
mount --rbind /etc "$folder/before"
mount -t overlay -o "lowerdir=$folder/etc${sudo:+:$sudo/etc}:/etc" runner /etc
for path in $below; do
  mount --bind "$folder/before/$path" "/etc/$path"
done
if [ -n "$sudo" ]; then
  mount -t overlay -o "lowerdir=$sudo/usr:/usr" runner /usr
fi
exec setpriv --reuid "$uid" --regid "$gid" --init-groups --inh-caps=-all "$@"
