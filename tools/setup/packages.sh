# SPDX-License-Identifier: Apache-2.0
# Sourced by demo.sh, test.sh and bench.sh: the Debian packages the project needs, and how they get installed.
# Nothing is installed, and no index fetched, where nothing is missing. Needs steps.sh.

core_packages=(cmake ninja-build g++ capnproto libcapnp-dev libxxhash-dev libssl-dev libzstd-dev pkgconf
               nlohmann-json3-dev libcli11-dev libfmt-dev libre2-dev zlib1g-dev)
# Formats of models that are read where these are installed: ONNX, TensorFlow Lite.
format_packages=(libprotobuf-dev libonnx-dev libflatbuffers-dev flatbuffers-compiler)
# A peer of dcf bench --against.
peer_coder_packages=(liblzma-dev)
# Programs that read what an installed copy has beside programs: completions, man pages, types of files.
comfort_packages=(python3 bash zsh fish mandoc man-db groff-base bsdextrautils file shared-mime-info libglib2.0-bin dpkg-dev)
test_packages=(git libgtest-dev zstd python3-numpy "${format_packages[@]}" "${peer_coder_packages[@]}"
               "${comfort_packages[@]}")
demo_packages=(zstd xz-utils "${format_packages[@]}")
# docs/site/build.sh: the pages of docs/ and the headers as a site.
docs_packages=(doxygen python3 python3-sphinx python3-myst-parser python3-breathe furo)
# The environments of tests/peers and bindings/python, which a requirements.txt fills.
peer_packages=(python3 python3-venv)
# A Slurm cluster of one machine (tests/slurm), and the environment of dcf_codec.distributed.
cluster_packages=(slurm-wlm munge python3 python3-venv python3-numpy)
# The environment of the tests of dcf_codec.torch.
torch_packages=(python3 python3-venv python3-torch)
# Of bindings/python/wheel.sh: the bare root that a wheel is tried in.
wheel_packages=(python3 python3-venv debootstrap)
bench_packages=(libbenchmark-dev liblz4-dev libbrotli-dev liblzma-dev libopenblas-dev
                libdnnl-dev libeigen3-dev libxnnpack-dev libpthreadpool-dev)
train_packages=(libtorch-dev libopenblas0-pthread)
# Clang of one version: libFuzzer and the sanitizers, the linter, the formatter.
clang_packages=(clang-16 libclang-rt-16-dev clang-tidy-16 clang-format-16)
# What packaging/check.sh needs.
packaging_packages=(dpkg-dev file gzip lintian debootstrap)
arm_packages=(g++-aarch64-linux-gnu qemu-user)
# Unpacked for Arm, not installed (tests/portable/run.sh).
arm_libraries=(libcapnp-dev libgtest-dev libxxhash-dev)
wasm_packages=(emscripten googletest)

installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"; }
apt_install() { apt update && apt install -y --no-install-recommends "$@"; }

# install_packages NAME...: installs those that are missing, or ends the script with one sentence.
install_packages() {
  local missing=() package as_root=()
  command -v dpkg-query >/dev/null ||
    die "this is not a Debian system; install the counterparts of: $* (then see CONTRIBUTING.md)"
  for package in "$@"; do
    installed "$package" || missing+=("$package")
  done
  ((${#missing[@]} == 0)) && return
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "missing packages: ${missing[*]} (not root and no sudo here; run as root: apt-get install ${missing[*]})"
    # Asks for the password here, where a step's line would not hide the question.
    sudo -v || die "missing packages: ${missing[*]} (sudo refuses; run as root: apt-get install ${missing[*]})"
    as_root=(sudo)
  fi
  say "Missing Debian packages: ${missing[*]}" | fold -s -w 78
  step 'apt-get install' apt_install "${missing[@]}" ||
    die "missing packages: ${missing[*]} (apt-get could not install them; is there a network?)"
}

configure_and_build() {
  local preset=$1
  shift
  cmake --preset "$preset" "$@" && cmake --build --preset "$preset" -j "$(nproc)" "${build_targets[@]}"
}

# build PRESET [cmake option...]; the array build_targets, where set, says what. Exit status 1 where
# what is here does not build.
build() {
  mkdir -p build 2>/dev/null && [[ -w build ]] || die "cannot write to $PWD/build; whose is it?"
  step "Building the preset $1" configure_and_build "$@" && return
  say "${0##*/}: the build of the preset $1 failed" >&2
  exit 1
}
