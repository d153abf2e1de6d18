// SPDX-License-Identifier: Apache-2.0
// How a tensor is cut into chunks: a view and whole rows of it (spec, sections 4.3 and 6).
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "format/tensor.h"

namespace dcf::impl::encode {

// The number of entries, or of elements with dense positions, that a chunk should have.
inline constexpr uint64_t kChunkEntries = 65536;
// With classes a chunk has a stream for each of them.
inline constexpr uint64_t kClassChunkEntries = 4 * kChunkEntries;
inline constexpr uint64_t kRawChunkBytes = uint64_t{1} << 20;
// The most entries of a sparse chunk for which the cap of K-01 holds whatever fillers 8-bit gaps
// add.
inline constexpr uint64_t kSafeChunkEntries = kMaxChunkEntries - (kMaxChunkElements >> 8);

struct Grid {
  format::View view;
  uint64_t rows = 0;
  uint32_t rows_per_chunk = 0;
  uint64_t chunks = 0;
  uint64_t elements = 0;

  uint64_t chunk_rows(uint64_t chunk) const {
    return std::min<uint64_t>(rows_per_chunk, rows - chunk * rows_per_chunk);
  }
  uint64_t first_row(uint64_t chunk) const { return chunk * rows_per_chunk; }
  uint64_t chunk_begin(uint64_t chunk) const { return first_row(chunk) * view.cols; }
  uint64_t chunk_end(uint64_t chunk) const {
    return std::min(elements, chunk_begin(chunk) + uint64_t{rows_per_chunk} * view.cols);
  }
};

// The grid of dense positions; the tensor has elements. `chunk_entries`: of values that are coded.
Grid dense_grid(const std::vector<uint64_t>& dims, uint64_t elements, uint32_t bits, bool raw,
                uint64_t chunk_entries = kChunkEntries);

// The grids that are tried for sparse positions, the default view first: the tensor as it is, rows
// as long as a chunk (no row counts to store), and transposed (columns are often alike). The rows
// of at least one grid have at most 2^20 elements. With `small_chunks` all chunks have at most as
// many.
std::vector<Grid> sparse_grids(const std::vector<uint64_t>& dims, uint64_t elements,
                               uint64_t entries, bool small_chunks);

// Any view, in chunks of about so many elements.
Grid view_grid(format::View view, uint64_t elements, uint64_t chunk_entries);

// The same view in at least so many chunks, where it has as many rows.
Grid in_chunks(const Grid& grid, uint64_t chunks);

// The same view with half the rows per chunk; nothing if a chunk is one row already.
std::optional<Grid> halve_chunks(const Grid& grid);

}  // namespace dcf::impl::encode
