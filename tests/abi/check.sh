#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check.sh RECORD CC INCLUDE_FOLDER LIBRARY...: fails, showing the difference, where the public ABI is not
# as it was recorded.
set -euo pipefail
record=$1
shift
actual=$(mktemp)
trap 'rm -f "$actual"' EXIT
bash "$(dirname "${BASH_SOURCE[0]}")/describe.sh" "$@" >"$actual"
diff -u --label 'recorded (tests/abi/abi.txt)' --label 'now' "$record" "$actual" && exit
cat <<'END'

The public ABI differs from its record. If that is meant, record it anew and name the change in
CHANGELOG.md:
  cmake --build <build folder> --target record_abi
END
exit 1
