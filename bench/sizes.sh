#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Size, writing and reading speed of dcf beside other lossless coders, for models in safetensors files.
# Peers come from packages of pinned versions, in build/bench-peers. bench/sizes.sh --help tells the rest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$here/tools/setup/steps.sh"
source "$here/tools/setup/packages.sh"

environment=$here/build/bench-peers
install_packages python3 python3-venv g++
python=$environment/bin/python
[[ -x $python ]] || python3 -m venv "$environment" || die "cannot make the environment $environment"
# What is there in this version is not installed again; what does not install is said, and left out.
present=$("$python" -m pip list --format freeze --disable-pip-version-check | tr '[:upper:]_' '[:lower:]-')
while read -r package; do
  [[ -n $package && $package != \#* ]] || continue
  grep -qxF "$(tr '[:upper:]_' '[:lower:]-' <<<"$package")" <<<"$present" ||
    step "Installing $package" "$python" -m pip install -q --no-deps "$package" || say "Left out: $package"
done <"$here/bench/lossless/requirements.txt"
export DCF=${DCF:-$here/build/release/bin/dcf}
exec "$python" "$here/bench/lossless/sizes.py" "$@"
