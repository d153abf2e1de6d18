#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a change did to the speed: builds an older revision beside this tree, runs the benchmarks of both in turns of a
# few milliseconds, and prints old, new and their ratio for every row.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup/steps.sh
source tools/setup/packages.sh

usage='usage: bench/compare.sh [--runs N] [--full] [--only TEXT] REVISION [PART...]
  REVISION     of git, to compare with
  PART         entropy, load, layer, conv or scaling; the first four if none is named
  --runs N     runs of each pair of programs (default 5)
  --full       full runs instead of quick ones
  --only TEXT  rows whose name contains it'

runs=5 options=(--quick) only=() revision='' parts=()
while (($#)); do
  case $1 in
    --runs) runs=${2:?$usage}; shift ;;
    --full) options=() ;;
    --only) only=(--only "${2:?$usage}"); shift ;;
    -h | --help) say "$usage"; exit 0 ;;
    entropy | load | layer | conv | scaling) parts+=("$1") ;;
    *) [[ -z $revision ]] || die "unknown argument $1"$'\n'"$usage"
       revision=$1 ;;
  esac
  shift
done
[[ -n $revision ]] || die "name a revision"$'\n'"$usage"
((${#parts[@]})) || parts=(entropy load layer conv)
commit=$(git rev-parse --verify --quiet "$revision^{commit}") || die "git knows no revision $revision"

install_packages "${core_packages[@]}" "${bench_packages[@]}"
old=build/compare/$commit out=build/compare/results
[[ -d $old ]] || git worktree add --quiet --detach "$old" "$commit"
rm -rf "$out"
mkdir -p "$out"
# What takes the turns, and what it needs, is the same on both sides.
cp bench/harness.cc bench/harness.h bench/machine.h bench/turns.h "$old/bench"
export DCF_TEST_DATA=${DCF_TEST_DATA:-$PWD/../shared/data}  # not that beside the older tree
mkfifo "$out/to-follower" "$out/to-leader"

targets=()
for part in "${parts[@]}"; do targets+=("dcf_bench_$part"); done
configure() {  # FOLDER TARGET...
  local folder=$1
  shift
  cmake -S "$folder" --preset release -B "$folder/build/release" -DDCF_BUILD_BENCH=ON -DDCF_BUILD_TESTS=OFF &&
    cmake --build "$folder/build/release" -j "$(nproc)" --target "$@"
}
step "Building $revision" configure "$old" "${targets[@]}" || die "the build of $revision failed"
step 'Building this tree' configure . "${targets[@]}" dcf_bench_compare || die 'the build of this tree failed'

in_turns() {  # RUN PART: both programs on one processor, but where several are what is measured
  local run=$1 part=$2 pin=() old_role=lead new_role=follow
  ((run % 2)) || { old_role=follow new_role=lead; }  # the second of a pair finds other caches
  [[ $part == scaling ]] || pin=(taskset -c "$(($(nproc) - 1))")
  "${pin[@]}" "$old/build/release/bin/dcf_bench_$part" "${options[@]}" "${only[@]}" --out "$out/old-$part-$run.json" \
    --turns "$old_role" "$out/to-follower" "$out/to-leader" &
  "${pin[@]}" "build/release/bin/dcf_bench_$part" "${options[@]}" "${only[@]}" --out "$out/new-$part-$run.json" \
    --turns "$new_role" "$out/to-follower" "$out/to-leader" &
  # One that fails before they meet would leave the other waiting.
  wait -n && wait -n || { jobs -p | xargs -r kill; return 1; }
}
old_results=() new_results=()
for ((run = 1; run <= runs; ++run)); do
  for part in "${parts[@]}"; do
    step "Run $run, $part" in_turns "$run" "$part" || exit 1
    old_results+=("$out/old-$part-$run.json")
    new_results+=("$out/new-$part-$run.json")
  done
done
say
build/release/bin/dcf_bench_compare "${old_results[@]}" -- "${new_results[@]}" | tee build/compare/table.md
