#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bare_root.sh PART, run by check.sh inside a Debian 12 with nothing in it; /dcf has the packages and the
# page of docs. The parts in their order: tools, library, python, removal.
set -euxo pipefail
cd /dcf
export DEBIAN_FRONTEND=noninteractive

# What the parts need besides, and remove at the end.
tool_helpers=(file man-db shared-mime-info libglib2.0-bin bash-completion zsh fish)
library_helpers=(gcc g++ libc6-dev pkgconf cmake make)

install() { apt-get -q install -y --no-install-recommends "$@"; }
not() { if "$@"; then return 1; fi; }
has_python_package() { compgen -G './python3-dcf-codec_*.deb' >/dev/null; }
# All files, but those that apt, dpkg and this script keep for themselves.
files() {
  find / -xdev \( -path /proc -o -path /dcf -o -path /tmp -o -path /var/cache -o -path /var/log \
    -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /root \) -prune -o -print | sort
}

# The command alone, with what it needs itself.
try_tools() {
  apt-get -q update
  files >before.txt
  install ./libdcf0.1_*.deb ./dcf-tools_*.deb
  dcf --version
  dcf verify bitmap.dcf
  dcf decompress bitmap.dcf -o tensors.safetensors
  dcf compress tensors.safetensors -o again.dcf
  dcf compare bitmap.dcf again.dcf
  not dcf train --net lenet-5
  ldd /usr/bin/dcf | grep 'libdcf.so.0.1 => /'

  install "${tool_helpers[@]}"
  [[ $(file -b --mime-type -m /usr/share/dcf/dcf.magic bitmap.dcf) == application/vnd.dcf.model ]]
  gio info -a standard::content-type bitmap.dcf | grep application/vnd.dcf.model
  bash -c 'source /usr/share/bash-completion/bash_completion; _completion_loader dcf; complete -p dcf' | grep _dcf
  zsh -c 'autoload -Uz compinit; compinit -u -D; print $_comps[dcf]' | grep -x _dcf
  fish -c 'complete -C "dcf decom"' | grep decompress
}

# Programs of the page, against the library: pkg-config, then CMake.
try_library() {
  install ./libdcf-dev_*.deb "${library_helpers[@]}"
  bash programs.sh packages.md programs
  cd programs
  cc -std=c99 -Wall -Wextra -Werror -o list list.c $(pkg-config --cflags --libs dcf-decoder)
  c++ -std=c++20 -Wall -Wextra -Werror -o small small.cc $(pkg-config --cflags --libs dcf)
  [[ $(./small) == '-5 1.5' ]]
  ./list small.dcf | grep '^fc1.weight: f32, .* of 24 bytes$'
  ldd ./list >needed.txt
  grep libdcf_decoder.so.0.1 needed.txt
  not grep 'libdcf[.]so' needed.txt
  rm small.dcf
  cmake -S . -B build
  cmake --build build
  [[ $(build/small) == '-5 1.5' ]]
  build/list small.dcf
  cmake -S /usr/share/doc/libdcf-dev/examples -B examples
  cmake --build examples
  examples/write example.dcf
  examples/load example.dcf
  dcf verify example.dcf
}

try_python() {
  if ! has_python_package; then
    echo 'this release has no Python package'
    return
  fi
  install ./python3-dcf-codec_*.deb
  cd programs
  rm -f small.dcf
  /usr/bin/python3 small.py
  dcf verify small.dcf
}

# Gone, and nothing left of ours.
try_removal() {
  local ours=(libdcf0.1 libdcf-dev dcf-tools)
  if has_python_package; then ours+=(python3-dcf-codec); fi
  apt-get -q purge -y "${ours[@]}"
  hash -r
  not command -v dcf
  ldconfig -p >needed.txt
  not grep libdcf needed.txt
  dpkg -l >packages.txt
  not grep -i dcf packages.txt
  apt-get -q purge -y "${tool_helpers[@]}" "${library_helpers[@]}"
  apt-get -q autoremove -y --purge
  files >after.txt
  diff before.txt after.txt >left.txt || cat left.txt
  not grep -i dcf left.txt
}

"try_$1"
