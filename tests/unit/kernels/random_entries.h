// SPDX-License-Identifier: Apache-2.0
// Random matrices for tests of kernels, and every kernel that takes one.
#pragma once

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "kernels/batch.h"
#include "kernels/code_groups.h"
#include "kernels/columns.h"
#include "kernels/entries.h"
#include "kernels/row_windows_loops.h"
#include "kernels/rows.h"

namespace dcf::impl::kernels {

inline const Parallel kOneThread{1};

// codes: number of weights to draw from; 0: any weight, no codebook.
inline LayerEntries random_entries(uint64_t rows, uint64_t cols, double density, uint32_t codes,
                                   std::mt19937_64& random) {
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<double> uniform;
  LayerEntries e;
  e.rows = rows;
  e.cols = cols;
  for (uint32_t i = 0; i < codes; ++i) e.codebook.push_back(normal(random) + 4);
  for (uint64_t row = 0; row < rows; ++row) {
    e.row_start.push_back(e.entries.size());
    const double own = density * 2 * uniform(random);  // rows unlike each other
    for (uint32_t c = 0; c < cols; ++c) {
      if (uniform(random) >= (density >= 1 ? 1 : own)) continue;
      const auto code = static_cast<uint32_t>(random() % std::max(codes, 1u));
      e.entries.push_back(codes != 0 ? c | code << LayerEntries::kColumnBits : c);
      if (codes == 0) e.values.push_back(normal(random));
    }
    e.row_length.push_back(static_cast<uint32_t>(e.entries.size() - e.row_start.back()));
    e.nonzeros += e.row_length.back();
    e.entries.push_back(LayerEntries::kRowEnd);
    if (codes == 0) e.values.push_back(0);
  }
  e.entries.insert(e.entries.end(), LayerEntries::kPadding, LayerEntries::kRowEnd);
  if (codes == 0) e.values.insert(e.values.end(), LayerEntries::kPadding, 0);
  return e;
}

// In each instruction set that this processor has.
inline std::vector<std::unique_ptr<LayerKernel>> all_kernels(const LayerEntries& e) {
  std::vector<std::unique_ptr<LayerKernel>> all;
  all.push_back(make_rows(AllEntries(e, kOneThread)));
  for (const RowWindowLoops* loops : available_row_window_loops()) {
    if (auto windows = make_row_windows(AllEntries(e, kOneThread), *loops))
      all.push_back(std::move(windows));
  }
  if (auto groups = make_code_groups(AllEntries(e, Parallel{2}))) all.push_back(std::move(groups));
  if (auto columns = make_columns(e, Parallel{2})) all.push_back(std::move(columns));
  for (const TileLoops* loops : available_tile_loops()) {
    all.push_back(make_batch(AllEntries(e, kOneThread), false, *loops));
    all.push_back(make_batch(AllEntries(e, Parallel{2}), true, *loops));
  }
  return all;
}

}  // namespace dcf::impl::kernels
