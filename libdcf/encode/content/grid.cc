// SPDX-License-Identifier: Apache-2.0
#include "encode/content/grid.h"

#include "base/checked.h"

namespace dcf::impl::encode {
namespace {

// With shorter or more rows, the counts of their entries cost more than the view can save.
constexpr uint64_t kMinSparseCols = 8;
constexpr uint64_t kMaxSparseRows = uint64_t{1} << 24;

// About `chunks` chunks with equal numbers of rows. None has more than max_elements, unless it is
// one row.
Grid cut(format::View view, uint64_t elements, uint64_t chunks, uint64_t max_elements) {
  Grid grid;
  grid.view = view;
  grid.elements = elements;
  grid.rows = ceil_div(elements, view.cols);
  const uint64_t most = std::clamp<uint64_t>(max_elements / view.cols, 1, kMaxChunkRows);
  chunks = std::clamp<uint64_t>(chunks, ceil_div(grid.rows, most), grid.rows);
  grid.rows_per_chunk = static_cast<uint32_t>(ceil_div(grid.rows, chunks));
  grid.chunks = ceil_div(grid.rows, grid.rows_per_chunk);
  return grid;
}

uint64_t rounded(uint64_t a, uint64_t b) {
  return std::max<uint64_t>(1, (a + b / 2) / b);
}

}  // namespace

Grid dense_grid(const std::vector<uint64_t>& dims, uint64_t elements, uint32_t bits, bool raw,
                uint64_t chunk_entries) {
  // A chunk has at most 2^20 elements and 2^26 bytes. Rows of elements smaller than a byte go in
  // multiples of eight.
  const uint64_t most =
      std::min<uint64_t>(kMaxChunkEntries, uint64_t{kMaxChunkBytes} * 8 / bits / 8 * 8);
  const uint64_t bytes = ceil_div(elements * bits, 8);
  const uint64_t chunks = raw ? rounded(bytes, kRawChunkBytes) : rounded(elements, chunk_entries);
  const uint64_t by_default = format::default_view_cols(dims, elements);
  if (by_default <= most) {
    const Grid grid = cut({static_cast<uint32_t>(by_default), false}, elements, chunks, most);
    const uint64_t stride = uint64_t{grid.rows_per_chunk} * by_default;
    if (grid.chunks == 1 || bits % 8 == 0 || stride % 8 == 0) return grid;
  }
  const uint64_t cols = std::min(ceil_div(ceil_div(elements, chunks), 8) * 8, most);
  return cut({static_cast<uint32_t>(cols), false}, elements, chunks, cols);
}

std::vector<Grid> sparse_grids(const std::vector<uint64_t>& dims, uint64_t elements,
                               uint64_t entries, bool small_chunks) {
  const uint64_t most = small_chunks ? kMaxChunkEntries : kMaxChunkElements;
  const uint64_t chunks = rounded(entries, kChunkEntries);
  const uint64_t by_default = format::default_view_cols(dims, elements);
  std::vector<Grid> grids;
  const auto add = [&](uint64_t cols, bool transposed) {
    if (cols <= most && ceil_div(elements, cols) <= kMaxSparseRows) {
      grids.push_back(cut({static_cast<uint32_t>(cols), transposed}, elements, chunks, most));
    }
  };
  // No row of 2^20 elements has too many entries.
  const uint64_t wide = std::min<uint64_t>(ceil_div(elements, chunks), kMaxChunkEntries);
  if (by_default >= kMinSparseCols) add(by_default, false);
  if (wide != by_default || grids.empty()) {
    grids.push_back(cut({static_cast<uint32_t>(wide), false}, elements, chunks, most));
  }
  if (dims.size() >= 2 && dims[0] >= 2 && by_default >= 2) add(dims[0], true);
  return grids;
}

Grid view_grid(format::View view, uint64_t elements, uint64_t chunk_entries) {
  return cut(view, elements, rounded(elements, chunk_entries), kMaxChunkEntries);
}

Grid in_chunks(const Grid& grid, uint64_t chunks) {
  return cut(grid.view, grid.elements, chunks, uint64_t{grid.rows_per_chunk} * grid.view.cols);
}

std::optional<Grid> halve_chunks(const Grid& grid) {
  if (grid.rows_per_chunk == 1) return std::nullopt;
  return cut(grid.view, grid.elements, 0, uint64_t{grid.rows_per_chunk / 2} * grid.view.cols);
}

}  // namespace dcf::impl::encode
