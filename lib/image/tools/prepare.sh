#!/bin/sh
# Finishes a new tools tree: places that native programs need when they are bound into a foreign root.
#   prepare.sh TREE
set -eu
tree=$1
if [ -d "$tree/usr/lib/x86_64-linux-gnu" ]; then
  perl=$(chroot "$tree" perl -e 'printf "%vd", $^V')
  mkdir -p "$tree/usr/lib/x86_64-linux-gnu/perl5/${perl%.*}" "$tree/usr/lib/native-tools"
  # The same libraries without kmod's, which an initramfs made with them in sight would take a copy of.
  cp -al "$tree/usr/lib/x86_64-linux-gnu" "$tree/usr/lib/native-tools/"
  rm "$tree"/usr/lib/native-tools/x86_64-linux-gnu/libkmod.so.*
fi
python=$(readlink "$tree/usr/bin/python3")
for loader in usr/lib64/ld-linux-x86-64.so.2 usr/lib/ld-linux-aarch64.so.1; do
  [ -e "$tree/$loader" ] && break
done
libraries=$(cd "$tree" && echo usr/lib/*-linux-gnu)
# The interpreter Ansible's modules use when this tree is bound at /mnt of a foreign root. --argv0 makes
# Python find its own library below /mnt/usr without PYTHONHOME, which programs it starts would inherit.
mkdir -p "$tree/usr/local/bin"
cat >"$tree/usr/local/bin/bound-python3" <<WRAPPER
#!/bin/sh
exec /mnt/$loader --library-path /mnt/$libraries --argv0 /mnt/usr/bin/$python /mnt/usr/bin/$python -B "\$@"
WRAPPER
chmod 0755 "$tree/usr/local/bin/bound-python3"
# Packer's plugin looks there for mounts.
ln -sf ../proc/self/mounts "$tree/etc/mtab"
rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/*.bin
mkdir -p "$tree/work"
