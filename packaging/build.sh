#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# build.sh OUT [BUILD]: a release, in the folder OUT: the archive of sources dcf-VERSION.tar.gz and the
# Debian packages. The same sources give the same bytes, wherever, whenever and by whom they are built
# (with the same compiler and libraries). BUILD is the folder to build in (default build/package).
set -euo pipefail
(($# == 1 || $# == 2)) || { printf 'usage: packaging/build.sh OUT [BUILD]\n' >&2; exit 2; }
out=$(realpath -m "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tree=$PWD
build=$(realpath -m "${2:-build/package}")
[[ "$tree$build" != *[[:space:]]* ]] || { printf 'build.sh: paths with spaces do not go through flags of compilers\n' >&2; exit 2; }
export LC_ALL=C TZ=UTC
umask 022
released=$(sed -n 's/^ -- .*>  //p' packaging/debian/changelog | head -n 1)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date -d "$released" +%s)}
export SOURCE_DATE_EPOCH
version=$(sed -n 's/^#define DCF_VERSION_[A-Z]* //p' libdcf/include/dcf/version.h | paste -sd .)
mkdir -p "$out"

packaging/archive.sh "$out/dcf-$version.tar.gz"

# Debian's flags, which harden; without those for debugging. No path of this machine gets into the files; of
# two folders the compiler takes the one named last. A compiler cache must not rewrite paths before it does.
export CCACHE_BASEDIR=
flags() { DEB_BUILD_MAINT_OPTIONS=hardening=+all DEB_CFLAGS_STRIP='-g -O2' DEB_CXXFLAGS_STRIP='-g -O2' dpkg-buildflags --get "$1"; }
plain="$(flags CPPFLAGS) -ffile-prefix-map=$tree=. -ffile-prefix-map=$build=build"
cmake --preset package -B "$build" -DCMAKE_C_FLAGS="$(flags CFLAGS) $plain" -DCMAKE_CXX_FLAGS="$(flags CXXFLAGS) $plain" \
  -DCMAKE_SHARED_LINKER_FLAGS="$(flags LDFLAGS)" -DCMAKE_EXE_LINKER_FLAGS="$(flags LDFLAGS)"
cmake --build "$build" -j "$(nproc)"
rm -rf "$build/packages"
cpack --config "$build/CPackConfig.cmake" -B "$build/packages"
rm -f "$out"/*.deb
cp "$build"/packages/*.deb "$out"
(cd "$out" && sha256sum -- *.deb "dcf-$version.tar.gz")
