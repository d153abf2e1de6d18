#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# build.sh [OUT]: the documentation site, in OUT/html (default build/docs). Fetches nothing. A warning of Doxygen or
# Sphinx is an error. The Debian packages it needs are docs_packages in tools/setup/packages.sh.
set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${1:-$tree/build/docs}

die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 2; }
for program in doxygen sphinx-build python3; do
  command -v "$program" >/dev/null || die "there is no $program; install docs_packages of tools/setup/packages.sh"
done

mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -rf "$out/doxygen" "$out/html"
sed -e "s|@OUT@|$out/doxygen|" -e "s|@TREE@|$tree|" "$tree/docs/site/doxygen/Doxyfile.in" >"$out/Doxyfile"
(cd "$tree" && doxygen "$out/Doxyfile")
DCF_DOXYGEN_XML=$out/doxygen/xml sphinx-build -q -W --keep-going -j auto -c "$tree/docs/site" -b html \
  -d "$out/doctrees" "$tree/docs" "$out/html"
python3 "$tree/docs/site/complete.py" "$out/html"
printf 'The site is %s\n' "$out/html/index.html"
