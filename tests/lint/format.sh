#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/lint/format.sh [--fix]: fails, naming the lines, where clang-format would change a file of the tree;
# with --fix, changes it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

case ${1-} in
  '') options=(--dry-run --Werror) ;;
  --fix) options=(-i) ;;
  *) echo 'usage: tests/lint/format.sh [--fix]' >&2; exit 2 ;;
esac
folders=(libdcf tools tests fuzz bench)
[[ ! -d examples ]] || folders+=(examples)
find "${folders[@]}" -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cc' \) -print0 |
  xargs -0 -n 20 -P "$(nproc)" clang-format-16 "${options[@]}"
