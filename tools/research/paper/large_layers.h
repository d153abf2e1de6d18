// SPDX-License-Identifier: Apache-2.0
// Layers of networks that are too large to train here.
#pragma once

#include <dcf/dcf_write.h>

#include <cstdint>
#include <string>

#include "research/paper/figures.h"

namespace dcf::tools {

// Writes a file whose layers have the paper's shapes, densities and numbers of clusters. The
// weights are synthetic: independent Gaussians pruned by magnitude, so that positions are
// independent too. One layer is in memory at a time, and of it only what is kept.
void write_synthetic(const PaperNet& net, uint64_t seed, const std::string& path);

// Clusters at most that a layer may have at the paper's bits: its zeros take a code too.
uint32_t clusters_of(const PaperLayer& layer);

}  // namespace dcf::tools
