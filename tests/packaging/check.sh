#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check.sh WHAT: man, magic or mime, as its users meet it. PAGES names the folder that the build wrote, DCF
# the program. Exit status 77: a program that the check needs is not installed.
set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() { printf '%s\n' "$*" >&2; exit 1; }
needs() {
  local program
  for program; do
    command -v "$program" >/dev/null || { printf 'left out: %s is not installed\n' "$program"; exit 77; }
  done
}

# Each page without a complaint of two typesetters, and with every verb and option that the help has.
check_man() {
  needs mandoc man groff
  local page text verb option said verbs
  for page in "$PAGES"/man/man?/*.gz; do
    gzip -dc "$page" >"$scratch/${page##*/}.roff"
    said=$(mandoc -Tlint -Wwarning "$scratch/${page##*/}.roff" 2>&1) || fail "$said"
    said=$(MANWIDTH=80 man --warnings=w -E UTF-8 -l "$page" 2>&1 >/dev/null)
    [[ -z $said ]] || fail "$page: $said"
  done
  verbs=$(MANWIDTH=200 man -E UTF-8 -l "$PAGES/man/man1/dcf.1.gz" | col -b)
  for verb in $("$DCF" help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    text=$(MANWIDTH=200 MAN_KEEP_FORMATTING= man -E UTF-8 -l "$PAGES/man/man1/dcf-$verb.1.gz" | col -b)
    grep -q "^NAME" <<<"$text" || fail "dcf-$verb(1) is empty"
    grep -q "^ *$verb\b" <<<"$verbs" || fail "dcf(1) has no $verb"
    [[ $verb != train ]] || continue  # its options belong to another program
    for option in $("$DCF" "$verb" --help | sed -nE 's/^  (-\w,)?(--[a-z-]+).*/\2/p'); do
      grep -qE -- "^ +(-\w, )?$option( |\$)" <<<"$text" || fail "dcf-$verb(1) has no $option"
    done
    grep -q 'EXIT STATUS' <<<"$text" || fail "dcf-$verb(1) has no exit status"
  done
}

# Files of which each test asks what they are: ours under other names, and others under ours.
make_files() {
  cp "$tree/tests/golden/v0/bitmap.dcf" "$scratch/ours.dcf"
  cp "$scratch/ours.dcf" "$scratch/ours"
  printf '[DeviceInfo]\nVendorName=somebody\n' >"$scratch/canopen.dcf"
  printf '\x89PNG\r\n\x1a\n' >"$scratch/picture.dcf"
  printf '\x89DCF\n\x1a\n' >"$scratch/damaged.dcf"  # as a transfer as text leaves it
}

check_magic() {
  needs file
  make_files
  local said name bytes
  file -C -m "$tree/packaging/dcf.magic" 2>&1 | grep . && fail 'file(1) has something to say on dcf.magic'
  rm -f dcf.magic.mgc
  for name in ours.dcf ours; do
    bytes=$(stat -c %s "$scratch/$name")
    said=$(file -b -m "$tree/packaging/dcf.magic" "$scratch/$name")
    [[ $said == "DCF compressed neural-network weights, version 0.0, $bytes bytes" ]] || fail "$name: $said"
    said=$(file -b --mime-type -m "$tree/packaging/dcf.magic" "$scratch/$name")
    [[ $said == application/vnd.dcf.model ]] || fail "$name: $said"
  done
  for name in canopen.dcf picture.dcf damaged.dcf; do
    said=$(file -b -m "$tree/packaging/dcf.magic" "$scratch/$name")
    [[ $said != *DCF* ]] || fail "$name: $said"
  done
  for name in "$tree"/tests/golden/v0/*.dcf; do
    said=$(file -b -m "$tree/packaging/dcf.magic" "$name")
    [[ $said == DCF* ]] || fail "$name: $said"
  done
}

check_mime() {
  needs update-mime-database gio
  make_files
  local name said
  mkdir -p "$scratch/share/mime/packages"
  cp "$tree/packaging/dcf.xml" "$scratch/share/mime/packages"
  export XDG_DATA_HOME=$scratch/share HOME=$scratch
  said=$(update-mime-database "$scratch/share/mime" 2>&1)
  [[ -z $said ]] || fail "$said"
  type_of() { gio info -a standard::content-type "$1" | sed -n 's/ *standard::content-type: //p'; }
  for name in ours.dcf ours; do
    said=$(type_of "$scratch/$name")
    [[ $said == application/vnd.dcf.model ]] || fail "$name: $said"
  done
  for name in canopen.dcf picture.dcf damaged.dcf; do
    said=$(type_of "$scratch/$name")
    [[ $said != application/vnd.dcf.model ]] || fail "$name: $said"
  done
  if command -v xmllint >/dev/null; then xmllint --noout "$tree/packaging/dcf.xml"; fi
}

cd "$scratch"
"check_$1"
