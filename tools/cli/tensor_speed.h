// SPDX-License-Identifier: Apache-2.0
// How fast one tensor of a .dcf file is on this machine. All functions throw DcfError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/stopwatch.h"
#include "formats/dcf_file.h"

namespace dcf::tools {

// Seconds of one call each.
struct DecodeSpeed {
  double decode;
  double copy;  // memcpy of the decoded bytes
};

// Decoding to the tensor's own dtype; nothing for a tensor without bytes, and where two of it do
// not fit into the memory limit.
std::optional<DecodeSpeed> measure_decoding(const DcfFile& file, size_t index,
                                            const Repeats& repeats);

struct ProductSpeed {
  uint64_t batch;
  std::string kernel;
  double layer;
  std::optional<double> dense;  // by the library's dense kernel, where that fits into the memory
};
struct LayerSpeed {
  double load;  // from the file to the packed layer of the first product
  std::vector<ProductSpeed> products;
};

// The tensor as a matrix, at batch 1 and 64, on one thread. Nothing for vectors, for dtypes without
// arithmetic, and where layer, inputs and outputs do not fit into the memory limit.
std::optional<LayerSpeed> measure_layer(const DcfFile& file, size_t index, const Repeats& repeats);

}  // namespace dcf::tools
