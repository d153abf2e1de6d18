#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds libdcf, or its codec, and the tests for another processor and runs them in an emulator.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tools/setup/steps.sh
source tools/setup/packages.sh

usage='usage: tests/portable/run.sh arm|wasm
  arm    all of libdcf for 64-bit Arm with NEON, run by QEMU
  wasm   the codec for WebAssembly with SIMD128, run by Node.js'

# fetch_arm_libraries: unpacks the libraries for Arm into build/arm-packages. They come from the
# package sources of this machine, through an index of their own: no foreign architecture is added
# to the system, and nothing needs root.
arm_root=$PWD/build/arm-packages
fetch_arm_libraries() {
  mkdir -p "$arm_root"/apt/{state/lists/partial,cache/archives/partial} || return
  : >"$arm_root/apt/status"
  cat >"$arm_root/apt/apt.conf" <<END || return
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "";
Dir::State "$arm_root/apt/state";
Dir::State::status "$arm_root/apt/status";
Dir::Cache "$arm_root/apt/cache";
END
  local package
  (
    cd "$arm_root/apt" && export APT_CONFIG=$arm_root/apt/apt.conf &&
      apt-get -q update && apt-get -q download "${arm_libraries[@]}"
  ) || return
  for package in "$arm_root"/apt/*.deb; do
    dpkg-deb -x "$package" "$arm_root" || return
  done
  # Static libraries: the links to shared ones lead to packages that are not here.
  find "$arm_root/usr/lib" -name '*.so' -delete && rm -rf "$arm_root/apt"
}

arm() {
  install_packages "${core_packages[@]}" "${arm_packages[@]}"
  if [[ ! -e $arm_root/usr/lib/aarch64-linux-gnu/libcapnp.a ]]; then
    step 'Fetching libraries for Arm' fetch_arm_libraries || die "cannot fetch ${arm_libraries[*]}"
  fi
  build arm
  step 'Testing libdcf for Arm' ctest --preset arm -j "$(nproc)" --timeout 600 || die 'tests failed for Arm'
}

build_wasm() {
  # Without the optimiser of JavaScript, whose package may be absent; NODERAWFS: files are the host's.
  cmake -G Ninja -S tests/portable -B build/wasm -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_TOOLCHAIN_FILE=/usr/share/emscripten/cmake/Modules/Platform/Emscripten.cmake \
    -DCMAKE_CXX_FLAGS=-msimd128 \
    '-DCMAKE_EXE_LINKER_FLAGS=-sNODERAWFS=1 -sALLOW_MEMORY_GROWTH=1 -O1' \
    '-DCMAKE_CROSSCOMPILING_EMULATOR=node;--no-experimental-fetch' &&
    cmake --build build/wasm -j "$(nproc)"
}

wasm() {
  install_packages "${core_packages[@]}" "${wasm_packages[@]}"
  step 'Building the codec for WebAssembly' build_wasm || die 'the build for WebAssembly failed'
  step 'Testing the codec for WebAssembly' ctest --test-dir build/wasm --output-on-failure ||
    die 'tests failed for WebAssembly'
}

case ${1-} in
  arm | wasm) "$1" ;;
  *) die "name a processor"$'\n'"$usage" ;;
esac
