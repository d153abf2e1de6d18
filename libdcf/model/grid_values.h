// SPDX-License-Identifier: Apache-2.0
// Grid and trellis values (spec/dcf-format.md, section 8.4): numbers to integers, and these and the
// scales of their units to words.
#pragma once

#include <span>

#include "base/bytes.h"
#include "format/tensor.h"

namespace dcf::impl::model {

// Writes the words of elements [first, first + numbers.size()) of the view, little-endian, without
// gaps. `numbers`: their integers as the bucket code stores them. `scales`: of each unit
// of a tensor that obeys M-14 and V-04. The thread must run in the default floating-point
// environment. Pure.
void grid_words(const format::Tensor& tensor, std::span<const float> scales, uint64_t first,
                std::span<const uint32_t> numbers, uint8_t* words);

// The numbers of trellis values, rows of `cols` and a last one that may be shorter, become the
// integers that they stand for, as grid_words() takes them. A number is below 2^24. Pure.
void trellis_integers(uint32_t cols, std::span<uint32_t> numbers);

}  // namespace dcf::impl::model
