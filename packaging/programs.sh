#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# programs.sh PAGE FOLDER: the programs that a page of docs shows, as files in FOLDER: the first block of
# C is list.c, of C++ small.cc, of Python small.py, of CMake CMakeLists.txt.
set -euo pipefail
page=$1 folder=$2
mkdir -p "$folder"

# block LANGUAGE FILE
block() {
  awk -v fence="\`\`\`$1" '$0 == fence && !done { inside = 1; next }
    inside && /^```$/ { inside = 0; done = 1 }
    inside { print }' "$page" >"$folder/$2"
  [[ -s $folder/$2 ]] || { printf '%s shows no program in %s\n' "$page" "$1" >&2; exit 1; }
}
block c list.c
block cpp small.cc
block python small.py
block cmake CMakeLists.txt
