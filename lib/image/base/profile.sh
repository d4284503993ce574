#!/bin/sh
# Turns the core into a profile's base: adds its packages, makes the initramfs once, lays the boot files out
# as the boot script wants them. Runs inside the tools tree, with APT_CONFIG and SOURCE_DATE_EPOCH set.
#   profile.sh SCRIPTS CORE ROOT BOARD native|plain [NAME=VERSION]...
set -eu
scripts=$1 core=$2 root=$3 board=$4 speed=$5
shift 5

mkdir -p "$root"
tar --numeric-owner --xattrs --xattrs-include='*' -xpf "$core" -C "$root"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"

"$scripts/quiet-initramfs.sh" on "$root"
[ "$speed" = plain ] || "$scripts/native-tools.sh" on-for-initramfs "$root"

if [ $# -gt 0 ]; then
  cat "$scripts/dpkg.cfg" "$board/left-out.cfg" >"$root/etc/dpkg/dpkg.cfg.d/home-pi-build"
  # Nothing may be started in a root that is no running system (invoke-rc.d asks this file).
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 0755 "$root/usr/sbin/policy-rc.d"
  DEBIAN_FRONTEND=noninteractive apt-get --yes --no-install-recommends \
    -o Dir::State::status="$root/var/lib/dpkg/status" \
    -o Dir::State::extended_states="$root/var/lib/apt/extended_states" \
    -o Dir::Cache::archives="$root/var/cache/apt/archives" \
    -o Dir::Log="$root/var/log/apt" \
    -o DPkg::Chroot-Directory="$root" -o Dpkg::Use-Pty=false -o APT::Sandbox::User=root install "$@"
  rm "$root/etc/dpkg/dpkg.cfg.d/home-pi-build" "$root/usr/sbin/policy-rc.d"
fi

"$scripts/quiet-initramfs.sh" off "$root"
cp -r "$board/initramfs-tools/." "$root/etc/initramfs-tools/"
# As git keeps them: who cloned with another umask has other modes.
chmod -R u=rwX,go=rX "$root/etc/initramfs-tools"
kernel=$(basename "$root"/boot/vmlinuz-*)
kernel=${kernel#vmlinuz-}
[ -d "$root/usr/lib/modules/$kernel" ] || { echo "one kernel expected, found: $kernel" >&2; exit 1; }
echo "initramfs of $kernel"
chroot "$root" update-initramfs -c -k "$kernel"
"$scripts/check-initramfs.sh" "$root" "/boot/initrd.img-$kernel"
mv "$root/boot/initrd.img-$kernel" "$root/boot/initrd.img"
# U-Boot's booti takes gzip; the card is slow, so a small kernel is a fast boot.
gzip -9n <"$root/boot/vmlinuz-$kernel" >"$root/boot/Image.gz"
mkdir "$root/boot/dtbs"
cp -r "$root/usr/lib/linux-image-$kernel/broadcom" "$root/boot/dtbs/"
while read -r dtb wanted; do
  case $dtb in '' | '#'*) continue ;; esac
  [ -z "$wanted" ] || cp "$root/boot/dtbs/broadcom/$dtb" "$root/boot/dtbs/broadcom/$wanted"
done <"$board/boot/dtbs.txt"
rm "$root/boot/vmlinuz-$kernel" "$root/boot/System.map-$kernel"

[ "$speed" = plain ] || "$scripts/native-tools.sh" off "$root"
umount -R "$root/dev"
umount "$root/sys" "$root/proc"
"$scripts/scrub.sh" "$root"
