#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes with every harness of the preset asan-ubsan, which must be built. Starts from the seeds, the
# inputs that once failed, and what earlier runs on this machine found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage='usage: fuzz/run.sh [SECONDS]
  SECONDS   of wall time for all harnesses together, divided evenly among them (default 300)
As many harnesses run at once as there are processors. A harness that finds a failure leaves the
input in build/asan-ubsan/findings; the exit status is then 1.'

seconds=${1:-300}
if [[ ! $seconds =~ ^[1-9][0-9]*$ ]] || (($# > 1)); then
  printf '%s\n' "$usage" >&2
  exit 2
fi
folder=build/asan-ubsan
findings=$folder/findings
if [[ ! -s $folder/fuzz/harnesses.txt ]]; then
  echo "fuzz/run.sh: no harnesses; build them with: cmake --preset asan-ubsan && cmake --build --preset asan-ubsan" >&2
  exit 2
fi
mkdir -p "$findings"

# fuzz NAME MAX_LEN SECONDS
fuzz() {
  local name=$1 corpus=$folder/corpus/$1 inputs=() log=$findings/$1.log
  [[ ! -d fuzz/crashes/$name ]] || inputs+=("fuzz/crashes/$name")
  inputs+=("fuzz/seeds/$name")
  mkdir -p "$corpus"
  # Leaks and slow inputs are failures too.
  if "$folder/bin/fuzz_$name" -max_len="$2" -max_total_time="$3" -timeout=60 -rss_limit_mb=4096 \
      -print_final_stats=1 -artifact_prefix="$findings/$name-" "$corpus" "${inputs[@]}" >"$log" 2>&1; then
    printf '%-14s %9s inputs in %s s\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$3"
  else
    tail -n 40 "$log"
    printf '%-14s FAILED; the input is in %s\n' "$name" "$findings"
    return 1
  fi
}
export -f fuzz
export folder findings

workers=$(nproc)
harnesses=$(wc -l <"$folder/fuzz/harnesses.txt")
((workers <= harnesses)) || workers=$harnesses
# The harnesses of one round run side by side; the last round may be a short one.
each=$((seconds / ((harnesses + workers - 1) / workers)))
((each > 0)) || each=1
status=0
xargs -a "$folder/fuzz/harnesses.txt" -P "$workers" -L 1 bash -c 'fuzz "$0" "$1" '"$each" || status=1
exit "$status"
