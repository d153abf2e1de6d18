#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check.sh WAY: one way of using the library, from a clean folder to a program that runs. Run in a
# build folder that holds settings.sh.
set -euo pipefail
source ./settings.sh
consumer=$tree/tests/install/consumer
way=$1
scratch=$PWD/$way

fail() { printf '%s\n' "$*" >&2; exit 1; }

# build_consumer CMAKE_ARGUMENT...: the project in consumer/, then its three programs.
build_consumer() {
  "$cmake" -G Ninja -S "$consumer" -B "$scratch" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" \
    -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" "$@"
  "$cmake" --build "$scratch" --parallel 2
  run_consumer
}

# As part of another project: what its users get, where the library is not asked to install anything.
install_consumer() {
  "$cmake" --install "$scratch" --prefix "$scratch/nothing" >/dev/null
  [[ ! -e $scratch/nothing ]] || fail "a project that takes the tree installs: $(find "$scratch/nothing" -type f)"
}

# The archive of sources, the same twice, as FetchContent takes it; configuring it is enough, as the way
# subdirectory builds the same.
use_archive() {
  "$tree/packaging/archive.sh" first.tar.gz
  (umask 077 && TZ=Asia/Tokyo "$tree/packaging/archive.sh" second.tar.gz)
  cmp first.tar.gz second.tar.gz
  "$cmake" -G Ninja -S "$consumer" -B "$scratch/consumer" -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_CXX_STANDARD=17 -DBUILD_SHARED_LIBS=ON \
    -DDCF_ARCHIVE="$scratch/first.tar.gz"
}

# The programs of docs/packages.md.
use_docs() {
  "$tree/packaging/programs.sh" "$tree/docs/packages.md" .
  export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
  # shellcheck disable=SC2046
  compile_c list list.c $(pkg-config --static --cflags --libs dcf-decoder)
  "$cmake" -G Ninja -S . -B built -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags"
  "$cmake" --build built
  [[ $(built/small) == '-5 1.5' ]]
  [[ $(./list small.dcf) == 'fc1.weight: f32, '*' of 24 bytes' ]]
  [[ $(built/list small.dcf) == $(./list small.dcf) ]]
}

run_consumer() {
  "$scratch/consumer_write" "$scratch/c.dcf"
  "$scratch/consumer_read" "$scratch/c.dcf"
  "$scratch/consumer_cpp" "$scratch/cpp.dcf"
  "$scratch/consumer_read" "$scratch/cpp.dcf"
}

# compile_c OUT FILE ARGUMENT...
compile_c() {
  # shellcheck disable=SC2086 -- flags are several words
  "$cc" -std=c11 -Wall -Wextra -pedantic -Werror $flags -o "$@"
}

use_pkgconfig() {
  export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
  # shellcheck disable=SC2046 -- several words
  compile_c consumer_read "$consumer/read.c" $(pkg-config --static --cflags --libs dcf-decoder)
  # shellcheck disable=SC2046
  compile_c consumer_write "$consumer/write.c" $(pkg-config --static --cflags --libs dcf)
  # shellcheck disable=SC2046,SC2086
  "$cxx" -std=c++20 -Wall -Wextra -pedantic -Werror $flags -o consumer_cpp "$consumer/both.cc" \
    $(pkg-config --static --cflags --libs dcf)
  run_consumer
}

# Each header alone, first and twice, in every language that it promises, by every compiler there is.
use_headers_alone() {
  local header mode compiler
  for header in errors.h version.h dcf.h dcf_write.h dcf_encode.h; do
    printf '#include <dcf/%s>\n#include <dcf/%s>\nint dcf_nothing;\n' "$header" "$header" >one.c
    for compiler in "$cc" gcc clang-16 clang; do
      command -v "$compiler" >/dev/null || continue
      for mode in '-std=c99 -pedantic' '-std=gnu89' '-std=c11 -pedantic'; do
        # shellcheck disable=SC2086 -- several words
        "$compiler" $mode -Wall -Wextra -Werror $flags -c -o one.o one.c -I"$prefix/include"
      done
    done
    for compiler in "$cxx" g++ clang++-16 clang++; do
      command -v "$compiler" >/dev/null || continue
      for mode in c++11 c++20; do
        # shellcheck disable=SC2086
        "$compiler" -x c++ -std=$mode -Wall -Wextra -pedantic -Werror $flags -c -o one.o one.c -I"$prefix/include"
      done
    done
  done
}

# The program in the README, verbatim, inside of a function that declares what it leaves open.
use_readme() {
  sed -n '/^```c$/,/^```$/{/^```/d;p}' "$tree/README.md" >snippet.c
  [[ -s snippet.c ]] || fail 'README.md shows no program'
  cat >readme.c <<'EOF'
#include <dcf/dcf.h>
#include <stdio.h>
int readme(const float* x, float* y);
int readme(const float* x, float* y) {
#include "snippet.c"
  return 0;
}
int main(int argc, char** argv) {
  const float x[3] = {1, 2, 3};
  float y[2] = {0, 0};
  (void)argc, (void)argv;
  return readme(x, y) == 0 && y[0] == -5 && y[1] == 1.5f ? 0 : 1;
}
EOF
  export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
  # shellcheck disable=SC2046
  compile_c readme readme.c $(pkg-config --static --cflags --libs dcf-decoder)
  # shellcheck disable=SC2046
  compile_c write "$consumer/write.c" $(pkg-config --static --cflags --libs dcf)
  ./write model.dcf
  ./readme
}

rm -rf "$scratch"
mkdir "$scratch"
cd "$scratch"
case $way in
  prefix)
    rm -rf "$prefix"
    "$cmake" --install "$build" --prefix "$prefix" >/dev/null
    "$prefix/bin/dcf" --version
    ;;
  package) build_consumer -DCMAKE_PREFIX_PATH="$prefix" ;;
  moved)
    cp -a "$prefix" "$scratch.prefix"
    trap 'rm -rf "$scratch.prefix"' EXIT
    prefix=$scratch.prefix
    grep -rlF "$build" "$prefix/$libdir/cmake" "$prefix/$libdir/pkgconfig" &&
      fail 'an installed file names the build folder'
    grep -rE '/lib(capnp|kj)[.]' "$prefix/$libdir/cmake" "$prefix/$libdir/pkgconfig" &&
      fail "an installed file says where this machine has Cap'n Proto"
    use_pkgconfig
    ;;
  pkgconfig) use_pkgconfig ;;
  c_headers) use_headers_alone ;;
  readme) use_readme ;;
  docs) use_docs ;;
  archive) use_archive ;;
  subdirectory)
    build_consumer -DDCF_TREE="$tree"
    install_consumer
    ;;
  *) fail "unknown way: $way" ;;
esac
