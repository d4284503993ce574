#!/bin/sh
# Fails when an initramfs holds a program that is not arm64's: a native tool bound into the root while it was
# made would have been copied, and the node would not start.
#   check-initramfs.sh ROOT INITRD
set -eu
root=$1 initrd=$2
folder=$root/tmp/initramfs
chroot "$root" unmkinitramfs "$initrd" /tmp/initramfs
wrong=$(find "$folder" -type f -size +1k -exec sh -c '
  for file do
    # e_ident says ELF, e_machine at byte 18 says which processor; 183 is AArch64.
    [ "$(head -c 4 "$file" | tr -d "\000")" = "$(printf "\177ELF")" ] || continue
    [ "$(od -An -tu2 -j18 -N2 "$file" | tr -d " ")" = 183 ] || echo "${file#"$0"}"
  done' "$folder" {} +)
rm -r "$folder"
if [ -n "$wrong" ]; then
  echo "programs of another architecture in the initramfs: $wrong" >&2
  exit 1
fi
