#!/bin/sh
# Packs the root partition of a carrier image, without changing the image.
#   read-out.sh IMAGE OFFSET OUTPUT TAR-ARGUMENT...
set -eu
image=$1
offset=$2
output=$3
shift 3
mkdir /run/carrier
mount -t ext4 -o "loop,ro,noload,offset=$offset" "$image" /run/carrier
LC_ALL=C exec tar "$@" --file "$output" --directory /run/carrier .
