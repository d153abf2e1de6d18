#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# show.sh BIN MODEL TITLE WORK: compresses the model three ways; verifies, restores, compares and
# multiplies each; prints one table against zstd and xz of the same dense weights.
set -euo pipefail
export LC_ALL=C  # decimal points
source "$(dirname "${BASH_SOURCE[0]}")/../setup/steps.sh"
bin=$1 model=$2 title=$3 work=$4
lossless=$work/lossless.dcf
dense=$work/lossless.safetensors
# What zstd and xz get: the model itself where it is one file of plain weights.
[[ $model != *.safetensors ]] || dense=$model
packed=$work/dense
rows=()
product=

print_row() { printf '%-24s %11s %7s  %9s %6s %6s %8s\n' "$@"; }
file_bytes() { stat -L -c %s "$1"; }
grouped() { sed -E ':again; s/^([0-9]+)([0-9]{3})/\1,\2/; t again' <<<"$1"; }

# add_row NAME FILE ERROR SQNR SPEED PRODUCT
add_row() {
  local bytes ratio
  bytes=$(file_bytes "$2")
  ratio=$(awk -v a="$(file_bytes "$dense")" -v b="$bytes" 'BEGIN { printf "%.2fx", a / b }')
  rows+=("$(print_row "$1" "$(grouped "$bytes")" "$ratio" "${@:3}")")
}

# dcf_way NAME ROW OPTION...: everything a .dcf is for, once.
dcf_way() {
  local file=$work/$1.dcf restored=$work/$1.safetensors name=$2
  local facts error sqnr speed difference layer height width
  shift 2
  say compressing && "$bin/dcf" compress "$model" -o "$file" -f -q "$@" &&
    say verifying && "$bin/dcf" verify -q "$file" &&
    say restoring && "$bin/dcf" decompress "$file" -o "$restored" -f -q &&
    say comparing && "$bin/dcf" compare -q "$file" "$restored" || return
  if [[ $file == "$lossless" ]]; then
    "$bin/dcf" compare "$model" "$restored" || return
  fi
  say measuring
  facts=$("$bin/dcf_demo_measure" "$file" "$lossless") || return
  IFS=$'\t' read -r error sqnr speed difference layer height width <<<"$facts"
  add_row "$name" "$file" "$error" "$sqnr" "$speed" "$difference"
  [[ $difference == - ]] || product="$layer ($height x $width)"
}

# Best of three decodes by COMMAND..., in GB/s of dense weights. Small files are decoded several
# times over, so that the start of a process does not count.
decode_speed() {
  local bytes copies files=() best=1e9 start end
  bytes=$(file_bytes "$dense")
  copies=$((8000000 / bytes + 1))
  while ((${#files[@]} < copies && ${#files[@]} < 1000)); do files+=("$1"); done
  for _ in 1 2 3; do
    start=$EPOCHREALTIME
    "${@:2}" "${files[@]}" >/dev/null || return
    end=$EPOCHREALTIME
    best=$(awk -v a="$start" -v b="$end" -v c="$best" 'BEGIN { d = b - a; print d < c ? d : c }')
  done
  awk -v n="$bytes" -v c="${#files[@]}" -v t="$best" 'BEGIN { printf "%.2g", n * c / t / 1e9 }'
}

# Both at once, each on one core.
pack_generally() {
  xz -9 -q -c "$dense" >"$packed.xz" &
  zstd -19 -q -c "$dense" >"$packed.zst" && wait $!
}

# general_way NAME SUFFIX PROGRAM: the row of a general compressor.
general_way() {
  local file=$packed.$2 speed
  "$3" -dc "$file" | cmp - "$dense" && speed=$(decode_speed "$file" "$3" -dc) && add_row "$1" "$file" 0 exact "$speed" -
}

printf '\n%s\n' "$title"
printf '\nCompress, verify, restore, compare, multiply one layer from the compressed form:\n'
step 'dcf compress --lossless' dcf_way lossless 'dcf, lossless' --lossless || exit 1
step 'dcf compress --bits 5' dcf_way clustered 'dcf, clustered, 5 bits' --bits 5 || exit 1
step 'dcf compress --sparsity 0.9 --bits 5 --profile paper' \
  dcf_way pruned 'dcf, 90 % pruned, 5 bits' --sparsity 0.9 --bits 5 --profile paper || exit 1
printf 'The same weights by general compressors:\n'
dcf_rows=("${rows[@]}") rows=()
step 'zstd -19, xz -9' pack_generally || exit 1
step 'Decoding with zstd' general_way 'zstd -19' zst zstd || exit 1
step 'Decoding with xz' general_way 'xz -9' xz xz || exit 1
general_rows=("${rows[@]}") rows=()
add_row 'dense, safetensors' "$dense" 0 exact - -

printf '\n'
print_row '' bytes ratio 'max error' SQNR GB/s 'W x'
printf '%s\n' "${rows[@]}" "${general_rows[@]}" "${dcf_rows[@]}"
cat <<END

Lossless restores every byte. Clustering and pruning change weights, and the accuracy of a
network pruned like that returns only with retraining, as in the paper.
  max error  greatest change of a weight
  SQNR       signal to noise in dB, of the tensor that lost most
  GB/s       of dense weights decoded, one thread (zstd, xz: the whole program)
END
[[ -z $product ]] || cat <<END
  W x        $product
             times a vector, straight from the file: greatest difference from
             the dense product, relative to the sum of |w x|
END
printf '\nThe files are in %s\n' "$work"
