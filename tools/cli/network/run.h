// SPDX-License-Identifier: Apache-2.0
// A network computed from a .dcf file by the kernels of the library.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cli/network/network.h"
#include "formats/dcf_file.h"

namespace dcf::tools {

// The network a file carries in its metadata. Throws Error where there is none, or where a tensor
// it names is missing or of another shape.
Network read_network(const DcfFile& file);

// Throws Error unless the file holds the weights and biases of all layers, in their shapes.
void check_tensors(const DcfFile& file, const Network& network);

// `x` is [batch, network.input.size()], raw: (x - mean) * scale is applied to it first, in float.
// The result is [batch, network.outputs()]. Layers are packed once (dcf_layer: sums in float; the
// bias is added after that), as far as half of the memory limit holds them; what is beyond that is
// decoded for every slice of the batch (dcf_tensor_matmul, dcf_tensor_conv2d: sums in double).
// Memory beside input and result is bounded, and the result does not depend on the number of
// threads.
std::vector<float> run_network(const DcfFile& file, const Network& network,
                               std::span<const float> x, uint64_t batch);

}  // namespace dcf::tools
