#!/bin/sh
# Puts p1 together and the disk image around it. Nothing is mounted. Runs inside the tools tree, with
# SOURCE_DATE_EPOCH set.
#   assemble.sh WORK TREE FIRMWARE BOARD LAYOUT
# WORK holds slot.ext4, slot-a.index, slot-a.sum, identity.example.yaml; WORK/p1.img and WORK/disk.img are made.
# LAYOUT: file with the sizes as shell variables and partitions.sfdisk beside it.
# shellcheck disable=SC2154 # the sizes come from LAYOUT
set -eu
work=$1 tree=$2 firmware=$3 board=$4 layout=$5
# shellcheck source=/dev/null
. "$layout"
p1=$work/p1
mkdir -p "$p1"
tar -xf "$tree" -C "$work" ./boot/dtbs
for name in bootcode.bin start.elf fixup.dat start4.elf fixup4.dat; do
  cp "$firmware/usr/lib/raspi-firmware/$name" "$p1/"
done
cp "$firmware/usr/lib/u-boot/rpi_arm64/u-boot.bin" "$p1/"
while read -r dtb _; do
  case $dtb in '' | '#'*) continue ;; esac
  cp "$work/boot/dtbs/broadcom/$dtb" "$p1/"
  # U-Boot looks for uboot.env on the first SD controller: by the tree's order, where no alias says otherwise.
  # On a Pi 4 that is Wi-Fi's.
  card=/emmc2bus/mmc@7e340000
  if fdtget "$p1/$dtb" $card compatible >/dev/null 2>&1; then fdtput -t s "$p1/$dtb" /aliases mmc0 $card; fi
done <"$board/boot/dtbs.txt"
cp "$board/boot/config.txt" "$work/identity.example.yaml" "$work/slot-a.index" "$work/slot-a.sum" "$p1/"
mkenvimage -s 0x4000 -o "$p1/uboot.env" "$board/boot/uboot.env.txt"
mkimage -q -A arm64 -T script -C none -n boot -d "$board/boot/boot.cmd" "$p1/boot.scr"
# A damaged boot script would be the end of the card: U-Boot's environment tries this one next.
cp "$p1/boot.scr" "$p1/boot2.scr"
find "$p1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

rm -f "$work/p1.img"
truncate -s $((boot_size * 512)) "$work/p1.img"
mkfs.fat --invariant -F 32 -i 50693031 -n HOMEPI "$work/p1.img" >/dev/null
# Sorted, one by one: the order of directory entries is part of the image.
(cd "$p1" && LC_ALL=C ls) | while read -r name; do
  mcopy -i "$work/p1.img" -m "$p1/$name" "::/$name"
done

mkenvimage -p 0 -s 512 -o "$work/state.bin" "$board/boot/state.txt"

rm -f "$work/disk.img"
truncate -s $(((data_start + data_size) * 512)) "$work/disk.img"
sfdisk --quiet --no-reread --no-tell-kernel "$work/disk.img" <"$work/partitions.sfdisk"
put() { dd if="$1" of="$work/disk.img" bs=1M seek="$2" oflag=seek_bytes conv=notrunc,sparse status=none; }
put "$work/state.bin" $((state_1 * 512))
put "$work/state.bin" $((state_2 * 512))
put "$work/p1.img" $((boot_start * 512))
put "$work/slot.ext4" $((slot_a_start * 512))
# The image ends where slot A's file system does.
truncate -s $((slot_a_start * 512 + $(stat -c %s "$work/slot.ext4"))) "$work/disk.img"
rm -r "$p1" "${work:?}/boot" "$work/p1.img" "$work/state.bin"
