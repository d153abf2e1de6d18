#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a change did to the speed: builds an older revision beside this tree, runs the benchmarks of both in
# alternation, and prints old, new and their ratio for every row.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup/steps.sh
source tools/setup/packages.sh

usage='usage: bench/compare.sh [--runs N] [--full] REVISION [PART...]
  REVISION     of git, to compare with
  PART         entropy, load, layer, conv or scaling; the first four if none is named
  --runs N     runs of each side (default 5)
  --full       full runs instead of quick ones'

runs=5 options=(--quick) revision='' parts=()
while (($#)); do
  case $1 in
    --runs) runs=${2:?$usage}; shift ;;
    --full) options=() ;;
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

old_results=() new_results=()
for ((run = 1; run <= runs; ++run)); do
  for part in "${parts[@]}"; do
    for side in old new; do
      folder=.
      [[ $side == new ]] || folder=$old
      step "Run $run, $part, $side" "$folder/build/release/bin/dcf_bench_$part" "${options[@]}" \
        --out "$out/$side-$part-$run.json" || exit 1
    done
    old_results+=("$out/old-$part-$run.json")
    new_results+=("$out/new-$part-$run.json")
  done
done
say
build/release/bin/dcf_bench_compare "${old_results[@]}" -- "${new_results[@]}" | tee build/compare/table.md
