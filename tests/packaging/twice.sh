#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# twice.sh BUILD: makes the packages of a build folder twice, at other times and in another time
# zone: the same bytes. Packed by gzip, which takes a tenth of the time of xz. None of them names the
# build folder, but for what static libraries tell debuggers. Then the archive of sources, from here
# and from itself unpacked: the same bytes again.
set -euo pipefail
build=$1
command -v dpkg-shlibdeps >/dev/null || { echo 'left out: dpkg-dev is not installed'; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SOURCE_DATE_EPOCH=1700000000

pack() {
  cpack --config "$build/CPackConfig.cmake" -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip -B "$scratch/$1" >"$scratch/$1.log" 2>&1 ||
    { cat "$scratch/$1.log"; exit 1; }
}
pack first
export TZ=Asia/Tokyo
sleep 1  # times of files have whole seconds
pack second
found=0
for package in "$scratch"/first/*.deb; do
  cmp "$package" "$scratch/second/${package##*/}"
  dpkg-deb -x "$package" "$scratch/unpacked"
  dpkg-deb -f "$package" Package Version Depends
  found=$((found + 1))
done
((found >= 2)) || { echo 'fewer packages than expected'; exit 1; }

archive=$(dirname "${BASH_SOURCE[0]}")/../../packaging/archive.sh
"$archive" "$scratch/first.tar.gz"
mkdir "$scratch/sources"
tar -C "$scratch/sources" --strip-components=1 -xzf "$scratch/first.tar.gz"
"$scratch/sources/packaging/archive.sh" "$scratch/second.tar.gz"
cmp "$scratch/first.tar.gz" "$scratch/second.tar.gz"

! grep -rlF --exclude="*.a" "$build" "$scratch/unpacked"
