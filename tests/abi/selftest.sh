#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# selftest.sh CC INCLUDE_FOLDER LIBRARY...: changes the public headers and the libraries once in each way,
# in copies, and expects that check.sh tells and names the change.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
cc=$1 include=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bash "$here/describe.sh" "$cc" "$include" "$@" >"$work/record"

# expect_difference TEXT INCLUDE_FOLDER LIBRARY...
expect_difference() {
  local text=$1
  shift
  if bash "$here/check.sh" "$work/record" "$cc" "$@" >"$work/told"; then
    echo "not told: $text" >&2
    exit 1
  fi
  if ! grep -qE -- "$text" "$work/told"; then
    echo "told, but not by '$text':" >&2
    cat "$work/told" >&2
    exit 1
  fi
}

# with_headers SCRIPT: a copy of the headers, dcf.h changed by the sed script.
with_headers() {
  rm -rf "$work/include"
  cp -r "$include" "$work/include"
  sed -i -E "$1" "$work/include/dcf/dcf.h"
  ! cmp -s "$include/dcf/dcf.h" "$work/include/dcf/dcf.h" || { echo "changes nothing: $1" >&2; exit 1; }
  echo "$work/include"
}

bash "$here/check.sh" "$work/record" "$cc" "$include" "$@"
expect_difference '^[+]dcf_error[.]extra: at' "$(with_headers 's/^  char message\[168\];/&\n  uint32_t extra;/')" "$@"
expect_difference '^[+]dcf_error: ' "$(with_headers 's/^  char message\[168\];/  char message[200];/')" "$@"
expect_difference '^-.*dcf_tensor_count' "$(with_headers 's/size_t dcf_tensor_count\(/uint32_t dcf_tensor_count(/')" "$@"
expect_difference '^[+]DCF_MAX_RANK 33' "$(with_headers 's/^#define DCF_MAX_RANK 32/#define DCF_MAX_RANK 33/')" "$@"

# A library without one of its functions, and one with a function that no header names.
mkdir "$work/lib"
name=$(basename "$1")
echo 'void dcf_stray(void) {}' >"$work/stray.c"
"$cc" -shared -fPIC "$work/stray.c" -o "$work/lib/$name"
shift
expect_difference '^-T dcf_tensor_count' "$include" "$work/lib/$name" "$@"
expect_difference '^[+]T dcf_stray' "$include" "$work/lib/$name" "$@"
