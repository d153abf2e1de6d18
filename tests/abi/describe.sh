#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# describe.sh CC INCLUDE_FOLDER LIBRARY...: prints the public ABI, one fact a line: every declaration of
# the public headers, sizes and offsets of the structs, and the symbols that shared libraries export.
set -euo pipefail
cc=$1 include=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

headers=(dcf.h dcf_write.h dcf_encode.h)
printf '#include <dcf/%s>\n' "${headers[@]}" >"$work/all.c"

# What the preprocessor leaves, a declaration a line: those of the system's headers name no dcf_.
"$cc" -E -P -I "$include" "$work/all.c" | tr -s ' \t\n' ' ' |
  sed -E 's/__attribute__ ?\(\(visibility\("default"\)\)\) ?//g' |
  awk 'BEGIN { RS = ";"; depth = 0 }
       { text = text (text == "" ? "" : ";") $0
         depth += gsub(/\{/, "{") - gsub(/\}/, "}")
         if (depth == 0) { gsub(/^ +| +$/, "", text); if (text ~ /dcf_/) print text; text = "" } }' >"$work/declarations"

# Structs: "NAME FIELD" for each field, in order.
awk '/^(typedef )?struct dcf_[a-z0-9_]+ *\{/ {
       name = $0; sub(/^(typedef )?struct /, "", name); sub(/ *\{.*/, "", name)
       body = $0; sub(/^[^{]*\{/, "", body); sub(/\}[^}]*$/, "", body)
       typedef_prefix = ($0 ~ /^typedef/) ? "" : "struct "
       n = split(body, fields, ";")
       for (i = 1; i <= n; ++i) {
         field = fields[i]
         if (field !~ /[A-Za-z]/) continue
         if (match(field, /\( *\* *[A-Za-z0-9_]+ *\)/)) {
           field = substr(field, RSTART, RLENGTH)
         }
         m = split(field, names, ",")
         for (k = 1; k <= m; ++k) {
           one = names[k]; gsub(/\[[^]]*\]|[()]/, " ", one); gsub(/ +$/, "", one); sub(/.*[ *]/, "", one)
           print typedef_prefix name "|" one
         }
       }
     }' "$work/declarations" >"$work/fields"

{
  cat "$work/all.c"
  printf '#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n'
  awk -F '|' '$1 != last { printf "printf(\"%s: %%zu bytes\\n\", sizeof(%s));\n", $1, $1; last = $1 }
       { printf "printf(\"%s.%s: at %%zu, %%zu bytes\\n\", offsetof(%s, %s), sizeof(((%s*)0)->%s));\n", $1, $2, $1, $2, $1, $2 }' \
    "$work/fields"
  printf 'return 0;\n}\n'
} >"$work/layout.c"
"$cc" -I "$include" "$work/layout.c" -o "$work/layout"

echo '# Constants'
"$cc" -E -dM -I "$include" "$work/all.c" | sed -nE 's/^#define (DCF_[A-Za-z0-9_]+) (.+)/\1 \2/p' |
  grep -vE '^DCF_(API|VERSION_[A-Z]+) ' | LC_ALL=C sort
echo
echo '# Declarations'
# Members and enumerators have lines of their own.
sed -E '/^typedef|^struct|^enum/{/\{/{s/([{;]) /\1\n  /g;s/, (DCF_)/,\n  \1/g;s/\n  \}/\n}/}}' "$work/declarations"
echo
echo '# Structs'
"$work/layout"
for library in "$@"; do
  echo
  echo "# Symbols of $(basename "$library" | sed 's/[.]so.*//')"
  # Weak symbols are inline functions of C++.
  nm -D --defined-only "$library" | awk '$2 !~ /^[wWvVuAi]$/ { print $2, $3 }' | LC_ALL=C sort -k 2
done
