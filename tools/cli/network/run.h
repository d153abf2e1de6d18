// SPDX-License-Identifier: Apache-2.0
// A network computed from a .dcf file by the kernels of the library.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cli/network/network.h"
#include "formats/dcf_file.h"

namespace dcf::tools {

// The network a file carries in its metadata. Throws Error where there is none, or where a tensor
// it names is missing or of another shape.
Network read_network(const DcfFile& file);

// Throws Error unless the file holds the weights of all layers, and the biases that it holds, in
// their shapes.
void check_tensors(const DcfFile& file, const Network& network);

// The inputs [first, first + count), one after the other, raw: (x - mean) * scale is applied to
// them in float.
using ReadInputs = std::function<std::vector<float>(uint64_t first, uint64_t count)>;
// The outputs of the inputs that were read last, [count, network.outputs()].
using TakeOutputs = std::function<void(std::span<const float> y)>;

// Runs `batch` inputs some at a time: as many as keep inputs and outputs of one layer below 32 MiB
// and below a sixteenth of the memory limit, and at least one. Layers are packed once (dcf_layer:
// sums in float; the bias is added after that), as far as half of the memory limit holds them;
// those beyond that are decoded again for each part of the batch (dcf_tensor_matmul,
// dcf_tensor_conv2d: sums in double). The result does not depend on the number of threads.
void run_network(const DcfFile& file, const Network& network, uint64_t batch,
                 const ReadInputs& read, const TakeOutputs& take);

// The same for `x`, [batch, network.input.size()]. Returns [batch, network.outputs()].
std::vector<float> run_network(const DcfFile& file, const Network& network,
                               std::span<const float> x, uint64_t batch);

}  // namespace dcf::tools
