#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Size against what the outputs lose, by dcf and by others, for the models that are in a folder of bench/fetch.sh.
# Peers come from packages of pinned versions, in build/bench-frontier. bench/frontier.sh --help tells the rest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$here/tools/setup/steps.sh"
source "$here/tools/setup/packages.sh"
source "$here/bench/peer_environment.sh"
exec_with_peers "$here" bench-frontier frontier/frontier.py "$@"
