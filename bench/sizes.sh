#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Size, writing and reading speed of dcf beside other lossless coders, for models in safetensors files.
# Peers come from packages of pinned versions, in build/bench-peers. bench/sizes.sh --help tells the rest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$here/tools/setup/steps.sh"
source "$here/tools/setup/packages.sh"
source "$here/bench/peer_environment.sh"
exec_with_peers "$here" bench-peers lossless/sizes.py "$@"
