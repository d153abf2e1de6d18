// SPDX-License-Identifier: Apache-2.0
// Scales and offsets of quantised tensors, told by their names. They are small beside the codes,
// and an error of one is an error of all weights that it scales.
#pragma once

#include <vector>

#include "formats/model_source.h"

namespace dcf::tools {

// For each tensor of `source` whether it holds scales or offsets: where the source says so
// (ModelSource::is_scale), and float tensors that are named like one and stand beside the codes.
// The last part of such a name is, or ends in, _scale, _scales, _scale_inv, _zero_point, absmax and
// the like. The codes are a tensor of integers of up to 32 bits, of fp8 or of an opaque type, with
// at least as many elements; its name is what is left of the scale's without that ending, alone or
// followed by one more part that speaks of weights or codes (weight_scale: weight, weight_packed;
// fc.scales: fc.qweight). So the scale of a normalisation is none. Time is linear in the number of
// tensors, but for the sorting of their names.
std::vector<bool> find_scales(const ModelSource& source);

}  // namespace dcf::tools
