#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What keeping the exact file costs: bytes and CPU seconds with and without it, for a model of synthetic floats.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup/steps.sh

dcf=${DCF:-build/release/bin/dcf}
[[ -x $dcf ]] || die "there is no $dcf; ./demo.sh builds it, or DCF= names another"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# 1 GiB in four float32 tensors whose bytes look like weights: random mantissas, exponents of few values.
python3 - "$folder/model.safetensors" <<'PYTHON'
import json, os, struct, sys
side, count = 8192, 4
size = side * side * 4
header = json.dumps({f"layer{i}.weight": {"dtype": "F32", "shape": [side, side],
                                          "data_offsets": [i * size, (i + 1) * size]}
                     for i in range(count)}).encode()
header += b" " * (-len(header) % 8)
exponents = bytes([60 + min(bin(i).count("1"), 3) for i in range(256)])
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header)
    for _ in range(count * size >> 20):
        piece = bytearray(os.urandom(1 << 20))
        piece[3::4] = bytes(piece[3::4]).translate(exponents)
        file.write(piece)
PYTHON

TIMEFORMAT='%U + %S s of CPU'
for options in '' --no-exact-file; do
  printf '%s\n' "compress $options"
  time "$dcf" compress -q -f "$folder/model.safetensors" -o "$folder/m$options.dcf" $options
  stat -c '  %s bytes' "$folder/m$options.dcf"
done
for run in 1 2 3; do
  for options in '' --no-exact-file; do
    printf '%s' "decompress${options:+ of $options}, run $run: "
    time "$dcf" decompress -q -f "$folder/m$options.dcf" -o "$folder/again.safetensors"
  done
done
