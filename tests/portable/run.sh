#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the codec and its tests for another processor and runs them in an emulator.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tools/setup/steps.sh
source tools/setup/packages.sh

usage='usage: tests/portable/run.sh arm|wasm
  arm    64-bit Arm with NEON, run by QEMU
  wasm   WebAssembly with SIMD128, run by Node.js'

case ${1-} in
  arm)
    packages=("${arm_packages[@]}")
    options=(-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64
             -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++
             '-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64;-L;/usr/aarch64-linux-gnu') ;;
  wasm)
    packages=("${wasm_packages[@]}")
    # Without the optimiser of JavaScript, whose package may be absent; NODERAWFS: files are the host's.
    options=(-DCMAKE_TOOLCHAIN_FILE=/usr/share/emscripten/cmake/Modules/Platform/Emscripten.cmake
             -DCMAKE_CXX_FLAGS=-msimd128
             '-DCMAKE_EXE_LINKER_FLAGS=-sNODERAWFS=1 -sALLOW_MEMORY_GROWTH=1 -O1'
             '-DCMAKE_CROSSCOMPILING_EMULATOR=node;--no-experimental-fetch') ;;
  *) die "name a processor"$'\n'"$usage" ;;
esac

install_packages "${core_packages[@]}" "${packages[@]}"
build_for() {
  cmake -G Ninja -S tests/portable -B "build/$1" -DCMAKE_BUILD_TYPE=Release "${options[@]}" &&
    cmake --build "build/$1" -j "$(nproc)"
}
step "Building the codec for $1" build_for "$1" || die "the build for $1 failed"
step "Testing the codec for $1" ctest --test-dir "build/$1" --output-on-failure ||
  die "tests failed for $1"
