// SPDX-License-Identifier: Apache-2.0
// The transposed view of a tensor that was written in pieces. A store can be read fast only in its
// own order, so the view gets a store in transposed order.
#pragma once

#include "base/parallel.h"
#include "encode/content/content.h"
#include "encode/content/write_progress.h"

namespace dcf::impl::encode {

// A tensor of more entries and stored signs than this is not tried transposed: reordering a store
// takes one pass over all of it for each part that fits in memory.
inline constexpr uint64_t kMaxTransposed = uint64_t{1} << 28;

// Sets content->transposed to the words that content->visit() reports, in the order of the
// transposed view of `cols` columns. `memory`: bytes that may be allocated meanwhile. Fails with
// LimitMemory or Cancelled, or as a spool does.
Status transpose_pieces(uint32_t cols, uint64_t memory, const Progress& progress, Content* content);

}  // namespace dcf::impl::encode
