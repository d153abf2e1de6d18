#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need, builds, and runs them; with --all, the stages of the gate.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source tools/setup/steps.sh
source tools/setup/packages.sh

usage='usage: ./test.sh [--all | STAGE...]
With no argument: all tests but those of tools/research, which needs LibTorch.
  --all        every stage, in this order; the stages after one that failed run too:
  format       clang-format has nothing to change
  dev          all tests, those of tools/research too
  docs         the documentation site, without a warning
  python       the Python package: pip install, its tests, its types (environment from PyPI)
  torch        dcf_codec.torch with the PyTorch of Debian
  peers        files of ONNX, GGUF, TensorFlow Lite, NumPy, safetensors and their libraries, from PyPI
  cluster      a checkpoint in parts, on Dask, Ray and a Slurm cluster that the stage starts and stops
  asan-ubsan   the tests under AddressSanitizer and UndefinedBehaviorSanitizer, built by Clang
  fuzz         every harness for an equal share of five minutes (builds asan-ubsan first)
  tidy         clang-tidy, with the checks of .clang-tidy, warnings as errors
  tsan         the tests that use threads, under ThreadSanitizer
  arm          libdcf and its tests for 64-bit Arm, run by QEMU
A stage that --all leaves out:
  transformers as torch, with transformers from PyPI: from_pretrained takes what dcf_codec.torch reads
DCF_TEST_DATA names the folder of real models that some tests read (default ../shared/data);
where it is missing those are left out.'

all_stages=(format dev docs python torch peers cluster asan-ubsan fuzz tidy tsan arm)
stages=()
for argument in "$@"; do
  case $argument in
    --all) stages=("${all_stages[@]}") ;;
    -h | --help) say "$usage"; exit 0 ;;
    *)
      [[ " ${all_stages[*]} transformers " == *" $argument "* ]] || die "unknown argument $argument"$'\n'"$usage"
      stages+=("$argument")
      ;;
  esac
done

# run_tests PRESET [ctest option...]: a test that hangs is stopped long before the gate is.
run_tests() {
  local preset=$1 progress=()
  shift
  [[ ! -t 1 ]] || progress=(--progress)
  ctest --preset "$preset" -j "$(nproc)" --timeout 400 "${progress[@]}" "$@"
}

# dev [cmake option...]
dev() {
  local models=${DCF_TEST_DATA:-../shared/data} selection=() left_out unlabelled
  install_packages "${core_packages[@]}" "${test_packages[@]}"
  build dev "$@"
  unlabelled=$(ctest --preset dev -N -LE '^(short|medium|long)' | grep '^ *Test *#' || true)
  [[ -z $unlabelled ]] || die "tests without a label short, medium or long:"$'\n'"$unlabelled"
  if [[ ! -d $models ]]; then
    left_out=$(ctest --preset dev -N -L real-model | sed -n 's/^Total Tests: //p')
    say "Left out: the $left_out tests on real models; their folder $models is not there."
    selection=(-LE real-model)
  fi
  run_tests dev "${selection[@]}"
}

# python3-torch: what docs/guide/research.md does in PyTorch runs, too.
stage_dev() {
  install_packages "${core_packages[@]}" "${test_packages[@]}" "${train_packages[@]}" python3-torch
  dev -DDCF_BUILD_RESEARCH=ON
}

stage_docs() {
  install_packages "${docs_packages[@]}"
  step 'Building the documentation site' docs/site/build.sh || die 'the documentation site does not build'
}

# bindings/python/tests/requirements.txt pins what the tests need. pip builds the wheel as for any user,
# but takes library and program from the preset dev: bindings/python/wheel.sh compiles them.
make_python() {
  python3 -m venv build/python &&
    build/python/bin/pip install --quiet --disable-pip-version-check -r bindings/python/tests/requirements.txt &&
    build/python/bin/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps \
      --force-reinstall --config-settings=cmake.define.DCF_PREBUILT="$PWD/build/dev" ./bindings/python
}

stage_python() {
  install_packages "${core_packages[@]}" "${test_packages[@]}" "${peer_packages[@]}"
  build_targets=(--target dcf_tool dcf_abi_all)
  build dev
  build_targets=()
  step 'Making the Python environment' make_python ||
    die 'bindings/python needs an environment with the packages of its tests/requirements.txt'
  (
    cd bindings/python
    ../../build/python/bin/mypy
    ../../build/python/bin/python -m pytest
  )
  build/python/bin/python tests/docs/run_blocks.py --python build/python/bin/python --need-python \
    docs/guide/python.md docs/guide/checkpoint.md
}

# make_torch NAME...: the package in an environment that has Debian's PyTorch and NumPy, and what
# tests/requirements-NAME pin.
make_torch() {
  local pip=(build/python-torch/bin/pip install --quiet --disable-pip-version-check)
  /usr/bin/python3 -m venv --system-site-packages build/python-torch &&
    "${pip[@]}" "${@/#/-rbindings/python/tests/requirements-}" &&
    "${pip[@]}" --no-build-isolation --no-deps --force-reinstall \
      --config-settings=cmake.define.DCF_PREBUILT="$PWD/build/dev" ./bindings/python
}

# test_torch NAME...: as make_torch
test_torch() {
  install_packages "${core_packages[@]}" "${test_packages[@]}" "${torch_packages[@]}"
  build_targets=(--target dcf_tool dcf_abi_all)
  build dev
  build_targets=()
  step 'Making the environment with PyTorch' make_torch "$@" ||
    die "dcf_codec.torch needs an environment with the packages of tests/requirements-torch.txt"
  (cd bindings/python && ../../build/python-torch/bin/python -m pytest tests/test_torch*.py)
}

stage_torch() { test_torch torch.txt; }
stage_transformers() { test_torch torch.txt transformers.txt; }

# The libraries of the formats themselves, in versions that tests/peers/requirements.txt pins.
make_peers() {
  python3 -m venv build/peers &&
    build/peers/bin/pip install --quiet --disable-pip-version-check -r tests/peers/requirements.txt
}

stage_peers() {
  install_packages "${core_packages[@]}" "${test_packages[@]}" "${peer_packages[@]}"
  build_targets=(--target dcf_tool)
  build dev
  build_targets=()
  step 'Making the Python environment' make_peers ||
    die 'tests/peers need an environment with the packages of tests/peers/requirements.txt'
  DCF=$PWD/build/dev/bin/dcf build/peers/bin/python -m unittest discover -s tests/peers
}

make_cluster() {
  python3 -m venv build/cluster &&
    build/cluster/bin/pip install --quiet --disable-pip-version-check \
      -r bindings/python/tests/requirements-distributed.txt
}

stage_cluster() {
  install_packages "${core_packages[@]}" "${test_packages[@]}" "${cluster_packages[@]}"
  build_targets=(--target dcf_tool --target dcf_abi_all)
  build dev
  build_targets=()
  step 'Making the Python environment' make_cluster ||
    die 'dcf_codec.distributed needs the packages of bindings/python/tests/requirements-distributed.txt'
  (
    export DCF_CODEC_LIBRARY=$PWD/build/dev/tests/abi/libdcf.so DCF_CODEC_PROGRAM=$PWD/build/dev/bin/dcf
    export PYTHONPATH=$PWD/bindings/python/src
    build/cluster/bin/python -c 'import aiohttp, distributed, fsspec, ray' # none of its tests is left out
    build/cluster/bin/python -m pytest -q bindings/python/tests/test_distributed.py
  )
  tests/slurm/run.sh build/dev/bin/dcf
}

stage_format() {
  install_packages "${clang_packages[@]}"
  tests/lint/format.sh
}

# The sanitizers slow the long tests to minutes; dev runs those, and these, whose subject is how large a
# file or the memory of a writer is, or that need large ones.
too_long_for_sanitizers='Size\.|Pieces\.(AnyCut|Pruned)|WrongCount|AutomaticPositions|ManyTensors|TenThousandTensors|MetadataPairs|SkewedRows|WriterMemory'
too_long_for_sanitizers+='|RoundTrip\.ManyChunks|KernelMemory|WordsInMemory'

stage_asan-ubsan() {
  install_packages "${core_packages[@]}" "${test_packages[@]}" "${clang_packages[@]}"
  build asan-ubsan
  run_tests asan-ubsan -LE 'long|real-model' -E "$too_long_for_sanitizers"
}

stage_fuzz() {
  install_packages "${core_packages[@]}" "${test_packages[@]}" "${clang_packages[@]}"
  build_targets=(--target fuzz_harnesses)
  build asan-ubsan
  fuzz/run.sh 300
}

stage_tidy() {
  install_packages "${core_packages[@]}" "${test_packages[@]}" "${clang_packages[@]}"
  tests/lint/tidy.sh
}

# These start no thread in their first half minute, measure memory, or run what another of them runs, too.
without_threads='RoundTrip|Lossy|Expand\.EveryEncoding|HugeSparse|SmallMemory|ProgressReaches'
without_threads+='|csr_codes|MayBeCutIntoRanges|GridFinder|FindsTheAxis|ColumnsWhoseFirst|ColumnsOfALarge'
without_threads+='|AnyNumberOfWords|ViewsOfLargeTensors|EveryLinearKernel|ColumnsInParts|RandomMatricesThrough'

stage_tsan() {
  install_packages "${core_packages[@]}" "${test_packages[@]}"
  build tsan
  run_tests tsan -LE 'long|real-model' -E "$too_long_for_sanitizers|$without_threads"
}

stage_arm() { tests/portable/run.sh arm; }

if ((${#stages[@]} == 0)); then
  dev
  exit
fi

start_stages
for stage in "${stages[@]}"; do run_stage "$stage" "stage_$stage"; done
finish_stages
