#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check.sh [FOLDER]: the release as its users meet it. Builds it twice, from its own archive of sources and
# in two places, and compares hashes; asks lintian; installs the packages in a Debian 12 with nothing in
# it, runs them, compiles the programs of docs/packages.md, removes them and looks for what is left. Runs
# as root, needs a mirror of Debian (DCF_MIRROR, or the one of debootstrap) and about half an hour;
# build/packages/check.log tells all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tree=$PWD
source tools/setup/steps.sh
source tools/setup/packages.sh
work=$(realpath -m "${1:-build/packages}")
mirror=${DCF_MIRROR:-}
((EUID == 0)) || die 'run as root: the check makes a Debian of its own and changes into it'
install_packages "${core_packages[@]}" "${format_packages[@]}" "${peer_coder_packages[@]}" "${packaging_packages[@]}"
mkdir -p "$work"
log=$work/check.log
: >"$log"

# logged LABEL COMMAND...
logged() {
  local label=$1
  shift
  say "== $label" >>"$log"
  step "$label" "$@" || { cat "$step_log" >>"$log"; die "$label failed; see $log"; }
  cat "$step_log" >>"$log"
}

# Another place, time zone, language, mask of permissions, order of processors.
build_here() { packaging/build.sh "$work/first" "$work/build-first"; }
unpack() { rm -rf "$1" && mkdir -p "$1" && tar -C "$1" --strip-components=1 -xzf "$work"/first/dcf-*.tar.gz; }
build_elsewhere() {
  unpack "$work/elsewhere/dcf" &&
    (umask 077 && TZ=Asia/Tokyo LANG=C.UTF-8 CCACHE_DISABLE=1 \
      "$work/elsewhere/dcf/packaging/build.sh" "$work/second")
}
compare_builds() {
  (cd "$work/first" && sha256sum -- *.deb *.tar.gz) >"$work/SHA256SUMS" &&
    (cd "$work/second" && sha256sum -c "$work/SHA256SUMS")
}

ask_lintian() { lintian --allow-root --profile debian --fail-on error,warning --info "$work"/first/*.deb; }

root=$work/root
clean_up() {
  umount "$root/proc" 2>/dev/null || true
  end_ticker
  rm -f "$step_log"
}
trap clean_up EXIT
make_root() {
  umount "$root/proc" 2>/dev/null || true
  rm -rf "$root" &&
    debootstrap --variant=minbase bookworm "$root" ${mirror:+"$mirror"} &&
    { mount -t proc proc "$root/proc" || true; } &&
    cp /etc/resolv.conf "$root/etc/" &&
    mkdir "$root/dcf" &&
    cp "$work"/first/*.deb packaging/bare_root.sh packaging/programs.sh docs/packages.md \
      tests/golden/v0/bitmap.dcf "$root/dcf/"
}
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root bash /dcf/bare_root.sh "$1"; }

logged 'Building the release' build_here
logged 'Building it elsewhere, from its archive' build_elsewhere
logged 'Comparing the hashes of both' compare_builds
logged 'lintian' ask_lintian
logged 'Making a bare Debian 12' make_root
for part in tools library python removal; do
  logged "In the bare Debian: $part" in_root "$part"
done
say "All of it: $log"
