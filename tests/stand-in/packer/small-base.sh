#!/bin/sh
# Makes a base of four arm64 packages, unpacked only, with what a careless copy would lose: owners, modes,
# a hard link, a capability. Runs in the tools tree; takes a few seconds and the archive.
#   small-base.sh KEYRING OUTPUT.tar
set -eu
keyring=$1
output=$2
mmdebstrap --mode=root --variant=extract --arch=arm64 --include=dash,coreutils,base-files,libc-bin \
  --dpkgopt='path-exclude=/usr/share/*' --keyring="$keyring" trixie /tmp/base >&2
cd /tmp/base
for folder in bin sbin lib; do [ -e "$folder" ] || ln -s "usr/$folder" "$folder"; done
mkdir -p dev etc mnt proc root run sys tmp
chmod 1777 tmp
[ -e usr/bin/sh ] || ln -s dash usr/bin/sh
printf 'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\n' >etc/passwd
printf 'root:x:0:\nshadow:x:42:\n' >etc/group
printf 'root:*:1::::::\n' >etc/shadow
chown 0:42 etc/shadow
chmod 0640 etc/shadow
ln etc/passwd etc/passwd.hard
cp usr/bin/true usr/bin/setuid-true
chmod 4755 usr/bin/setuid-true
cp usr/bin/true usr/bin/capable-true
# cap_net_raw+ep, as the kernel stores it.
python3 -c 'import os; os.setxattr("usr/bin/capable-true", "security.capability",
  bytes.fromhex("0100000200200000000000000000000000000000"))'
find . -exec touch --no-dereference --date=@1700000000 {} +
LC_ALL=C tar --create --sort=name --format=posix --numeric-owner --xattrs '--xattrs-include=*' --file "$output" .
