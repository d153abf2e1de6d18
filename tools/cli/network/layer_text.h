// SPDX-License-Identifier: Apache-2.0
// The text of one layer, and the rules by which layers fit together.
#pragma once

#include <string>
#include <string_view>

#include "cli/network/network.h"

namespace dcf::tools {

// No number in a layer is larger.
inline constexpr uint64_t kMaxLayerNumber = uint64_t{1} << 26;
// Values of one input, one output or anything between two layers, and weights of one layer.
inline constexpr uint64_t kMaxLayerValues = uint64_t{1} << 26;
inline constexpr uint64_t kMaxLayerWeights = uint64_t{1} << 32;

// A layer whose shapes are not known yet, but for out.channels of linear and conv. Throws Error;
// `where` names file and layer.
Layer parse_layer(const std::string& where, std::string_view text);
std::string layer_text(const Layer& layer);

// Fills in the shapes of a layer whose input has the shape `in`.
void infer_shapes(const std::string& where, const Shape& in, Layer* layer);
void check_shape(const std::string& where, const std::string& what, const Shape& shape);

}  // namespace dcf::tools
