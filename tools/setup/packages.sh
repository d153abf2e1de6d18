# SPDX-License-Identifier: Apache-2.0
# Sourced by demo.sh and test.sh: the Debian packages the project needs, and how they get installed.
# Nothing is installed, and no index fetched, where nothing is missing.

core_packages=(cmake ninja-build g++ capnproto libcapnp-dev libxxhash-dev
               nlohmann-json3-dev libcli11-dev libfmt-dev zlib1g-dev)
test_packages=(libgtest-dev pkgconf librapidcheck-dev zstd)
demo_packages=(zstd xz-utils)

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 2; }

installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# install_packages NAME...: installs those that are missing, or ends the script with one sentence.
install_packages() {
  local missing=() package as_root=() log
  command -v dpkg-query >/dev/null ||
    die "this is not a Debian system; install the counterparts of: $* (then see CONTRIBUTING.md)"
  for package in "$@"; do
    installed "$package" || missing+=("$package")
  done
  ((${#missing[@]} == 0)) && return
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "missing packages: ${missing[*]} (not root and no sudo here; run as root: apt-get install ${missing[*]})"
    as_root=(sudo)
  fi
  say "Installing with apt-get: ${missing[*]}"
  log=$(mktemp)
  if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
         "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y \
           --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    die "missing packages: ${missing[*]} (apt-get could not install them; is there a network?)"
  fi
  rm -f "$log"
}

# build PRESET [cmake option...]
build() {
  local preset=$1
  shift
  cmake --preset "$preset" "$@" >/dev/null || die "CMake could not configure the preset $preset"
  cmake --build --preset "$preset" -j "$(nproc)" || die "the build of the preset $preset failed"
}
