#!/bin/sh
# Packs an image again at a higher level: compress.sh IMAGE.zst TO.zst LEVEL SHA256-OF-THE-UNPACKED
# The digest is taken of what comes out again, so that a wrong file cannot get into a release.
set -eu
source=$1
target=$2
level=$3
expected=$4

zstd --quiet --decompress --stdout -- "$source" |
    zstd --quiet -T0 "-$level" --force -o "$target"
found=$(zstd --quiet --decompress --stdout -- "$target" | sha256sum)
if [ "${found%% *}" != "$expected" ]; then
    echo "the packed image is not the one that was built: ${found%% *} instead of $expected" >&2
    exit 1
fi
