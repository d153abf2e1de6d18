// SPDX-License-Identifier: Apache-2.0
// Optimal length-limited Huffman codes by package-merge (L. Larmore, D. Hirschberg, "A fast
// algorithm for optimal length-limited Huffman codes", J. ACM 37, 1990).
#pragma once

#include "codec/code_lengths.h"

namespace dcf::impl::codec {

// The code of least total bits for these symbol counts (at most 256, with a sum below 2^57) among
// those with no code longer than `limit`; ties are broken the same way everywhere. Symbols of count
// 0 get no code. InvalidArgument with fewer than two symbols (such a stream is constant), or more
// than 2^limit of them.
Result<CodeLengths> optimal_code_lengths(std::span<const uint64_t> histogram,
                                         unsigned limit = kMaxCodeLength);

}  // namespace dcf::impl::codec
