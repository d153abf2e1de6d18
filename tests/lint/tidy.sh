#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/lint/tidy.sh [PATTERN]: clang-tidy, with the checks of .clang-tidy, over the sources of the library, of
# dcf and of the fuzzers whose path matches the regular expression. Tests and tools/research are left
# out, for the time they take.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

pattern=${1-}
cmake --preset tidy >/dev/null
# What sources include: generated headers and precompiled ones.
included=$(ninja -C build/tidy -t targets all | sed -n 's/^\(\(libdcf\|tools\|fuzz\).*\.pch\|dcf_tflite_schema\): .*/\1/p')
cmake --build --preset tidy --target dcf_format $included >/dev/null
log=build/tidy/tidy.log
sources=$(find libdcf tools/cli tools/formats fuzz -name '*.cc' | grep -E -- "$pattern") || {
  echo "tests/lint/tidy.sh: no source matches $pattern" >&2
  exit 2
}
# The database is of Clang's build: GCC's has options that Clang does not know.
if xargs -P "$(nproc)" -n 4 clang-tidy-16 --quiet -p build/tidy <<<"$sources" >"$log" 2>&1; then
  echo "clang-tidy: $(wc -l <<<"$sources") sources, no warning"
else
  grep -vE '^[0-9]+ warnings? |^Suppressed |^Use -header-filter' "$log" || true
  exit 1
fi
