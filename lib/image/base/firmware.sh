#!/bin/sh
# Unpacks packages, without installing them, below a folder. Runs inside the tools tree, with APT_CONFIG set.
#   firmware.sh FOLDER NAME=VERSION...
set -eu
folder=$1
shift
mkdir -p "$folder/debs"
cd "$folder/debs"
apt-get download "$@"
for deb in *.deb; do dpkg-deb -x "$deb" "$folder"; done
cd "$folder"
rm -r debs
