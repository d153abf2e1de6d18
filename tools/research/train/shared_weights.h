// SPDX-License-Identifier: Apache-2.0
// Weights that share centroids (the paper, section 3).
#pragma once

#include <dcf/dcf_encode.h>
#include <torch/torch.h>

#include "research/train/torch_net.h"

namespace dcf::tools {

// Clusters the kept weights and puts the centroids in their place.
void share_weights(const dcf_share_options& options, Parameters* p);

// `weights` have moved: each takes its nearest centroid (lambda: what a bit costs, in mean squares
// of the kept weights), centroids become the means of their weights, and these go into the network.
void follow_weights(const float* weights, double lambda, Parameters* p);

// Gradients of the weights, summed per centroid: [codebook size].
torch::Tensor centroid_gradients(const Parameters& p, const torch::Tensor& weight_gradients);

// The paper's rate of weight sharing alone (section 3, equation 1): of the weights kept, in
// float32.
double sharing_rate(const Parameters& p);

}  // namespace dcf::tools
