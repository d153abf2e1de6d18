// SPDX-License-Identifier: Apache-2.0
// What others make of a layer: each on one thread, prepared for a batch outside of what is timed.
// Results are in the layouts of dcf_layer_apply: x is [batch, cols], y is [batch, rows].
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "harness.h"
#include "layers.h"

namespace dcf::bench {

struct Peer {
  std::string name;
  std::function<void(const float* x, float* y)> apply;
};

// Matrix products. Those whose library is not there are missing. All borrow their arguments.
std::vector<Peer> dense_peers(std::span<const float> weights, uint64_t rows, uint64_t cols,
                              uint64_t batch);
std::vector<Peer> sparse_peers(const SparseWeights& weights, uint64_t batch);

// Convolutions of one image, `x`. That named "direct" has it in the library's own layout already,
// and leaves its result there where no `y` is given: what layout changes cost is not counted.
std::vector<Peer> conv_peers(std::span<const float> weights, const ConvShape& shape,
                             const float* x);

// Names of all that there may be, to tell which are missing.
std::vector<std::string> dense_peer_names();
std::vector<std::string> sparse_peer_names();
std::vector<std::string> conv_peer_names();
void leave_out_missing(const std::vector<std::string>& names, const std::vector<Peer>& peers,
                       Suite* suite);

// Tells the libraries to use the calling thread only.
void use_one_thread();

// oneDNN's parts of the above.
bool have_onednn();
Peer onednn_inner_product(std::span<const float> weights, uint64_t rows, uint64_t cols,
                          uint64_t batch);
Peer onednn_direct(std::span<const float> weights, const ConvShape& shape, const float* x);
// y = a b for row-major m x k and k x n.
void onednn_sgemm(uint64_t m, uint64_t n, uint64_t k, const float* a, const float* b, float* y);

}  // namespace dcf::bench
