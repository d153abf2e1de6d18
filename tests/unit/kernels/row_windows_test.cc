// SPDX-License-Identifier: Apache-2.0
// The loops of row windows: all sets pack the same bytes, and what the portable ones pack is what
// row_windows.h says.
#include "kernels/row_windows.h"

#include <gtest/gtest.h>

#include <numeric>
#include <optional>

#include "random_entries.h"

namespace dcf::impl::kernels {
namespace {

constexpr size_t kLanes = RowWindows::kLanes;

// All rows in the order of the matrix; nothing where there would be more than max_steps.
std::optional<RowWindows> packed(const RowWindowLoops& loops, const LayerEntries& e,
                                 uint64_t max_steps = UINT64_MAX) {
  RowWindows w;
  w.rows = e.rows;
  w.has_codes = e.has_codes() && e.codebook.size() <= RowWindows::kCodes;
  if (w.has_codes) std::copy(e.codebook.begin(), e.codebook.end(), w.codebook);
  w.order.resize(e.rows);
  std::iota(w.order.begin(), w.order.end(), 0u);
  if (!loops.pack(e, 0, w.order, max_steps, &w)) return std::nullopt;
  w.resize_steps(w.steps());
  return w;
}

template <typename List>
bool same(const List& a, const List& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

void expect_same(const RowWindows& a, const RowWindows& b) {
  ASSERT_EQ(a.group_end, b.group_end);
  ASSERT_TRUE(same(a.advance, b.advance));
  ASSERT_TRUE(same(a.slots, b.slots));
  ASSERT_TRUE(same(a.columns, b.columns));
  for (size_t i = 0; i < a.columns.size(); ++i) {
    if (a.columns[i] != 0) ASSERT_EQ(a.weights[i], b.weights[i]) << i;
  }
}

TEST(RowWindows, AllSetsPackTheSame) {
  std::mt19937_64 random(1);
  for (const uint32_t codes : {0u, 1u, 16u, 32u, 33u}) {
    for (const double density : {0.0, 0.0002, 0.01, 0.3, 1.0}) {
      for (const uint64_t rows : {1, 15, 16, 17, 40}) {
        const LayerEntries e = random_entries(rows, 1 + random() % 9000, density, codes, random);
        const auto reference = packed(kScalarRowWindowLoops, e);
        ASSERT_TRUE(reference);
        for (const RowWindowLoops* loops : available_row_window_loops()) {
          const auto windows = packed(*loops, e);
          ASSERT_TRUE(windows);
          expect_same(*windows, *reference);
          ASSERT_FALSE(HasFailure()) << cpu_set_name(loops->set) << ' ' << codes << ' ' << density;
          const uint64_t steps = reference->steps();
          EXPECT_TRUE(packed(*loops, e, steps));
          if (steps != 0) EXPECT_FALSE(packed(*loops, e, steps - 1));
        }
      }
    }
  }
}

// Reads the steps as row_windows.h describes them: each row gets its entries back, in order.
TEST(RowWindows, StepsHoldEachEntryOnce) {
  std::mt19937_64 random(2);
  for (const uint32_t codes : {0u, 16u}) {
    const LayerEntries e = random_entries(37, 7000, 0.01, codes, random);
    const auto windows = packed(kScalarRowWindowLoops, e);
    ASSERT_TRUE(windows);
    std::vector<uint64_t> next = e.row_start;
    uint64_t step = 0;
    for (size_t group = 0; group < windows->group_end.size(); ++group) {
      uint64_t start = 0;
      for (; step < windows->group_end[group]; ++step) {
        start += windows->advance[step] * RowWindows::kStride;
        for (size_t lane = 0; lane < kLanes; ++lane) {
          const uint64_t row = group * kLanes + lane;
          const uint64_t i = step * kLanes + lane;
          const bool present = codes != 0 ? (windows->slots[i] & RowWindows::kPresent) != 0
                                          : windows->columns[i] != 0;
          if (!present) continue;
          ASSERT_LT(row, e.rows);
          const uint64_t entry = next[row]++;
          const uint32_t low = codes != 0 ? windows->slots[i] : windows->columns[i];
          ASSERT_EQ(start + low % RowWindows::kWindow, e.column(entry));
          const float weight = codes != 0
                                   ? windows->codebook[(low & 0x7fff) >> RowWindows::kCodeShift]
                                   : windows->weights[i];
          ASSERT_EQ(weight, e.weight(entry));
        }
      }
    }
    for (uint64_t row = 0; row < e.rows; ++row) EXPECT_EQ(next[row], e.row_end(row));
  }
}

}  // namespace
}  // namespace dcf::impl::kernels
