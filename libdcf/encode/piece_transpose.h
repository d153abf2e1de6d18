// SPDX-License-Identifier: Apache-2.0
// The transposed view of a tensor that was written in pieces. A store is fast only in its own
// order, so the view gets a store in its order.
#pragma once

#include "base/parallel.h"
#include "encode/content.h"
#include "encode/write_progress.h"

namespace dcf::impl {

// Beyond so many entries and stored signs no tensor is tried transposed: the order of the entries
// of a store changes in passes over all of it, one for each part that fits into the memory.
inline constexpr uint64_t kMaxTransposed = uint64_t{1} << 28;

// Sets content->transposed to the words that `visit` of the content reports, in the order of the
// transposed view of `cols` columns. `memory`: bytes that may be taken meanwhile. LimitMemory,
// Cancelled or a failure of a spool.
Status transpose_pieces(uint32_t cols, uint64_t memory, const Progress& progress, Content* content);

}  // namespace dcf::impl
