// SPDX-License-Identifier: Apache-2.0
// A user's own AlexNet or VGG-16, compressed at the paper's densities and bits without training.
#pragma once

#include <string>
#include <vector>

#include "formats/model_source.h"
#include "research/paper/figures.h"

namespace dcf::tools {

struct UserNet {
  const PaperNet* paper = nullptr;
  std::vector<size_t> tensors;  // of the model, one per layer of the paper's
};

// Tells by the numbers of convolution and linear weights which network it is, and pairs tensors
// with layers in the natural order of their names ("features.2" before "features.10"). Throws Error
// where it is neither.
UserNet match_layers(const ModelSource& model, const std::string& path);

// The names of the paired tensors without ".weight", in the order of the paper's layers.
std::vector<std::string> layer_names(const ModelSource& model, const UserNet& net);

void write_compressed(const ModelSource& model, const UserNet& net, const std::string& path);
// All tensors of a .dcf file as safetensors.
void restore(const std::string& dcf_path, const std::string& safetensors_path);

}  // namespace dcf::tools
