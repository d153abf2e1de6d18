#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need, builds, and runs every core test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source tools/setup/steps.sh
source tools/setup/packages.sh

usage='usage: ./test.sh [--all]
  --all   the tests of optional components too: dcf train, which needs LibTorch, and the codec for
          64-bit Arm, which needs a cross-compiler and QEMU
DCF_TEST_DATA names the folder of real models that some tests read (default ../shared/data);
where it is missing those are left out.'

all=OFF
for argument in "$@"; do
  case $argument in
    --all) all=ON ;;
    -h | --help) say "$usage"; exit 0 ;;
    *) die "unknown argument $argument"$'\n'"$usage" ;;
  esac
done

install_packages "${core_packages[@]}" "${test_packages[@]}"
[[ $all == OFF ]] || install_packages "${train_packages[@]}"
build dev -DDCF_BUILD_RESEARCH=$all

selection=()
models=${DCF_TEST_DATA:-../shared/data}
if [[ ! -d $models ]]; then
  left_out=$(ctest --preset dev -N -L real-model | sed -n 's/^Total Tests: //p')
  say "Left out: the $left_out tests on real models; their folder $models is not there."
  selection=(-LE real-model)
fi
[[ ! -t 1 ]] || selection+=(--progress)
ctest --preset dev -j "$(nproc)" "${selection[@]}"
[[ $all == OFF ]] || tests/portable/run.sh arm
