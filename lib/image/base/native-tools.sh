#!/bin/sh
# Binds the tools tree's own programs over a foreign root's, so that shells, perl and compressors that
# package scripts call run natively. Both sides are the same Debian release, multiarch keeps their
# libraries apart, and the binds are read-only: a removal inside the root must never reach the tools tree.
#   native-tools.sh on|on-for-initramfs|on-for-playbook|off ROOT
# on-for-initramfs leaves kmod and its library out: the initramfs takes copies of both. on-for-playbook takes
# only what every root has, and diverts nothing.
# What a package has yet to bring is diverted first: dpkg then unpacks beside the bind, not onto it.
set -eu
action=$1
root=$2
triplet=x86_64-linux-gnu # only amd64 machines emulate
lib=usr/lib/$triplet

# Not dpkg, apt, ldconfig, uname, arch: they carry their architecture.
essential='bash dash perl sed grep find xargs tar gzip mawk dpkg-deb dpkg-split
  cat chgrp chmod chown cp cut date dd df dirname basename du echo env expr false head id install
  ln ls md5sum mkdir mkfifo mknod mktemp mv nproc od paste printf pwd readlink realpath rm rmdir
  seq sha256sum sleep sort stat stty sync tail tee test touch tr true uniq wc comm diff cmp'
later='kmod cpio xz zstd'

bind() {
  mount --bind "$1" "$2"
  mount -o remount,bind,ro "$2"
}

# Putting our folders in and taking them out again must not show in the times of the folders above them.
stamps=$(mktemp -d)
trap 'rm -rf "$stamps"' EXIT
keep_times() {
  touch -r "$root" "$stamps/root"
  touch -r "$root/usr" "$stamps/usr"
  touch -r "$root/usr/lib" "$stamps/lib"
}
restore_times() {
  touch -r "$stamps/root" "$root"
  touch -r "$stamps/usr" "$root/usr"
  touch -r "$stamps/lib" "$root/usr/lib"
}

libraries=/$lib
wanted=$later
case $action in
on-for-initramfs)
  action=on
  wanted='cpio xz zstd'
  # Made of hard links by prepare.sh of the tools tree.
  libraries=/usr/lib/native-tools/$triplet
  ;;
on-for-playbook)
  action=on
  wanted=
  ;;
esac

case $action in
on)
  keep_times
  mkdir -p "$root/$lib" "$root/usr/lib64"
  [ -e "$root/lib64" ] || ln -s usr/lib64 "$root/lib64"
  restore_times
  bind "$libraries" "$root/$lib"
  bind /usr/lib64 "$root/usr/lib64"
  # The foreign root has perl-base alone: native perl finds its other half at a place of its own that is in
  # @INC (PERL5LIB is ignored by the scripts that run with -T).
  perl=$(perl -e 'printf "%vd", $^V')
  bind "/usr/share/perl/$perl" "$root/$lib/perl5/${perl%.*}"
  for tool in $wanted; do
    [ -e "$root/usr/bin/$tool" ] && continue
    chroot "$root" dpkg-divert --quiet --local --rename --divert "/usr/bin/$tool.foreign" --add "/usr/bin/$tool"
    : >"$root/usr/bin/$tool"
  done
  for tool in $essential $wanted; do
    if [ -f "/usr/bin/$tool" ] && [ -f "$root/usr/bin/$tool" ] && [ ! -L "$root/usr/bin/$tool" ]; then
      bind "/usr/bin/$tool" "$root/usr/bin/$tool"
    fi
  done
  ;;
off)
  # Deepest first; only what this script mounts lies below usr/bin, usr/lib64 and the triplet's folder.
  awk -v root="$root/" 'index($5, root) == 1 { print substr($5, length(root) + 1) }' /proc/self/mountinfo |
    grep -E "^usr/(bin/|lib64$|lib/$triplet)" | sort -r | while read -r path; do umount "$root/$path"; done
  for tool in $later; do
    # Also where no package brought the real one: neither stub nor diversion may stay.
    if grep -qx "/usr/bin/$tool.foreign" "$root/var/lib/dpkg/diversions"; then
      rm "$root/usr/bin/$tool"
      chroot "$root" dpkg-divert --quiet --local --rename --remove "/usr/bin/$tool"
    fi
  done
  keep_times
  rm -f "$root/lib64"
  rmdir "$root/usr/lib64" "$root/$lib"
  restore_times
  ;;
*)
  echo "native-tools.sh: on or off, not '$action'" >&2
  exit 2
  ;;
esac
