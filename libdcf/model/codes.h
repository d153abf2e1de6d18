// SPDX-License-Identifier: Apache-2.0
// The codes of a palette tensor. What model/decode.h says of all functions holds.
#pragma once

#include <span>

#include "model/decode_progress.h"
#include "model/model.h"

namespace dcf::impl::model {

// Palette tensors: one code per element, as dcf_tensor_decode_codes() of dcf/dcf.h defines them.
Status decode_codes(const Model& model, size_t tensor, std::span<uint16_t> dst,
                    ProgressStep progress = {});

}  // namespace dcf::impl::model
