#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need, builds, and runs every core test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source tools/setup/packages.sh

usage='usage: ./test.sh [--all]
  --all   the tests of optional components too (there are none yet)'

case "${1-}" in
  '' | --all) ;;
  -h | --help) say "$usage"; exit 0 ;;
  *) die "unknown argument $1"$'\n'"$usage" ;;
esac

install_packages "${core_packages[@]}" "${test_packages[@]}"
build dev
exec ctest --preset dev -j "$(nproc)"
