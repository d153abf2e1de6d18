#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# train.sh BIN DIGITS NAME WORK: the whole loop on a network small enough to wait for (train, prune and
# retrain, cluster, fine-tune), and how its file compares.
set -euo pipefail
export LC_ALL=C  # decimal points
bin=$1 digits=$2 name=$3 work=$4
recipe=$(dirname "${BASH_SOURCE[0]}")/short_mnist.json
[[ $name == MNIST ]] || recipe=$(dirname "${BASH_SOURCE[0]}")/short_fashion.json

printf '\nTraining, pruning, clustering and fine-tuning LeNet-300-100 on %s, a short run:\n' "$name"
"$bin/dcf" train --net lenet-300-100 --data "$digits" --recipe "$recipe" --seed 1 --force \
  -o "$work/lenet.dcf" | tee "$work/train.txt"
error=$(sed -nE 's/^test +error ([0-9.]+) %.*/\1/p' "$work/train.txt")
dense_error=$(sed -nE 's/^test .*; ([0-9.]+) % of the dense net$/\1/p' "$work/train.txt")
size=$(stat -c %s "$work/lenet.dcf" | awk '{ printf "%.1f KB", $1 / 1000 }')
if [[ $name == MNIST ]]; then
  printf 'On MNIST: %s at %s %% test error (Deep Compression, 2016: 27 KB at 1.58 %%).\n' "$size" "$error"
else
  printf 'On %s: %s at %s %% test error (its own dense network: 1,066 KB at %s %%).\n' \
    "$name" "$size" "$error" "$dense_error"
fi
