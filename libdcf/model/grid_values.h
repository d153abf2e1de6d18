// SPDX-License-Identifier: Apache-2.0
// Grid values (spec/dcf-format.md, section 8.4): integers and the scales of their units to words.
#pragma once

#include <span>

#include "base/bytes.h"
#include "format/tensor.h"

namespace dcf::impl {

// Writes the words of elements [first, first + numbers.size()) of the view, little-endian, without
// gaps. `numbers`: their integers as the bucket code stores them. `scales`: of each unit
// of a tensor that obeys M-14 and V-04. The thread must run in the default floating-point
// environment. Pure.
void grid_words(const Tensor& tensor, std::span<const float> scales, uint64_t first,
                std::span<const uint32_t> numbers, uint8_t* words);

}  // namespace dcf::impl
