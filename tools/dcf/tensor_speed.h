// SPDX-License-Identifier: Apache-2.0
// How fast one tensor of a .dcf file is on this machine. All functions throw DcfError.
#pragma once

#include <cstddef>
#include <optional>

#include "model/dcf_file.h"

namespace dcf::tools {

// Seconds of one call each.
struct DecodeSpeed {
  double decode;
  double copy;  // memcpy of the decoded bytes
};

// Decoding to the tensor's own dtype; nothing for a tensor without bytes, and where two of it do
// not fit into the memory limit.
std::optional<DecodeSpeed> measure_decoding(const DcfFile& file, size_t index);

}  // namespace dcf::tools
