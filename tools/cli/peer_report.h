// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "cli/common_options.h"
#include "cli/peer_coder.h"
#include "formats/dcf_file.h"

namespace dcf::tools {

// Packs the bytes of every tensor with each peer, as one stream for each tensor, and prints those
// tensors that take over 1 % more in the file, codebooks and tables included, than with a peer:
// what is lost most stands first. As JSON: all tensors. Tensors that do not fit into the memory
// limit together with a peer are left out of the sums, and said. Throws DcfError and Error.
void print_peer_report(const DcfFile& file, const std::vector<PeerCoder>& peers,
                       const CommonOptions& common);

}  // namespace dcf::tools
