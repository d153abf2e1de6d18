#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# archive.sh OUT.tar.gz: the sources as an archive: what git has, or in an unpacked archive all there is but
# build/. The same sources give the same bytes.
set -euo pipefail
(($# == 1)) || { printf 'usage: packaging/archive.sh OUT.tar.gz\n' >&2; exit 2; }
out=$(realpath -m "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C TZ=UTC
: "${SOURCE_DATE_EPOCH:=$(date -d "$(sed -n 's/^ -- .*>  //p' packaging/debian/changelog | head -n 1)" +%s)}"
version=$(sed -n 's/^#define DCF_VERSION_[A-Z]* //p' libdcf/include/dcf/version.h | paste -sd .)

list_sources() {
  if [[ -e .git ]]; then git ls-files -z; else find . -path ./build -prune -o -type f -printf '%P\0'; fi
}
list_sources | sort -z | tar --null --files-from - --format=gnu --owner=0 --group=0 --numeric-owner \
  --mtime="@$SOURCE_DATE_EPOCH" --mode=u+rw,go+rX,go-w --transform "s,^,dcf-$version/," -cf - | gzip -9n >"$out.part"
mv "$out.part" "$out"
