// SPDX-License-Identifier: Apache-2.0
// Counts words that are not zero, for loops that run over whole tensors.
#pragma once

#include "base/bytes.h"

namespace dcf::impl {

// Counts the little-endian words of `width` = 1, 2, 4 or 8 bytes in which a bit of the mask is set.
uint64_t count_masked_words(Bytes words, size_t width, uint64_t mask);

}  // namespace dcf::impl
