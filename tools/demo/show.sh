#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# show.sh BIN MODEL TITLE WORK: compresses the model three ways; verifies, restores, compares and
# multiplies each; prints one table against zstd and xz of the same dense weights.
set -euo pipefail
export LC_ALL=C  # decimal points
bin=$1 model=$2 title=$3 work=$4
dense=$work/lossless.safetensors
products=

fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
step() { printf '  %s\n' "$*"; }
file_bytes() { stat -c %s "$1"; }
print_row() { printf '%-42s %13s %7s %10s %8s %12s\n' "$@"; }

# table_row NAME FILE ERROR SQNR SPEED
table_row() {
  local ratio
  ratio=$(awk -v a="$(file_bytes "$dense")" -v b="$(file_bytes "$2")" 'BEGIN { printf "%.2fx", a / b }')
  print_row "$1" "$(file_bytes "$2")" "$ratio" "$3" "$4" "$5"
}

# Everything a .dcf is for, once: dcf_variant NAME OPTION... sets `row`.
dcf_variant() {
  local file=$work/$1.dcf restored=$work/$1.safetensors facts
  local error sqnr speed layer rows cols difference
  shift
  step "dcf compress $*, verify, decompress, compare, multiply"
  "$bin/dcf" compress "$model" -o "$file" -f -q "$@" || fail "compress $* failed"
  "$bin/dcf" verify -q "$file" || fail "$file does not verify"
  "$bin/dcf" decompress "$file" -o "$restored" -f -q || fail "$file does not decompress"
  "$bin/dcf" compare "$file" "$restored" >/dev/null || fail "$restored differs from $file"
  facts=$("$bin/dcf_demo_measure" "$file" "$work/lossless.dcf") || fail "measuring $file failed"
  IFS=$'\t' read -r error sqnr speed layer rows cols difference <<<"$facts"
  row=$(table_row "dcf $*" "$file" "$error" "$sqnr" "$speed")
  if [[ -n $layer ]]; then
    products+="  dcf $*: $layer, $rows x $cols, relative difference at most $difference"$'\n'
  fi
}

# Best of three decodes of FILE by COMMAND..., in GB/s of dense weights.
decode_speed() {
  local file=$1 best=1e9 start end
  shift
  for _ in 1 2 3; do
    start=$EPOCHREALTIME
    "$@" "$file" >/dev/null
    end=$EPOCHREALTIME
    best=$(awk -v a="$start" -v b="$end" -v c="$best" 'BEGIN { d = b - a; print d < c ? d : c }')
  done
  awk -v n="$(file_bytes "$dense")" -v t="$best" 'BEGIN { printf "%.2f", n / t / 1e9 }'
}

# baseline NAME SUFFIX DECODER: the row of a general compressor run before.
baseline() { table_row "$1" "$dense.$2" 0 exact "$(decode_speed "$dense.$2" "$3" -dc)"; }

printf '\n%s\n\n' "$title"
dcf_variant lossless --lossless
"$bin/dcf" compare "$model" "$dense" >/dev/null || fail "the restored weights differ from $model"
row_lossless=$row
step "zstd -19, xz -9 (the slow part)"
zstd -19 -q -f -k "$dense"
xz -9 -f -k "$dense"
dcf_variant clustered --bits 5
row_clustered=$row
dcf_variant pruned --sparsity 0.9 --bits 5 --profile paper
row_pruned=$row

printf '\n'
print_row '' bytes ratio 'max error' 'SQNR dB' 'decode GB/s'
table_row 'dense weights (safetensors)' "$dense" 0 exact -
baseline 'zstd -19' zst zstd
baseline 'xz -9' xz xz
printf '%s\n' "$row_lossless" "$row_clustered" "$row_pruned"
cat <<END

Lossless restores every byte. Clustering to 5 bits and pruning 90 % of the weights change them; the
accuracy of a network pruned like that returns only with retraining, as the paper does it.
Decoding: one thread, from the file to dense weights, per byte of these (zstd and xz: whole process).

One layer multiplied straight from each file against the product of its dense weights:
$products
The files are in $work.
END
