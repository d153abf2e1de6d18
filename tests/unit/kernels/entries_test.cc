// SPDX-License-Identifier: Apache-2.0
#include "kernels/entries.h"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <random>

#include "base/checked.h"
#include "support/sample.h"

namespace dcf::impl::kernels {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

// Rows of the matrix, from slabs that begin and end within chunks.
TEST(Entries, SlabsGiveTheEntriesThatAreThere) {
  std::mt19937_64 random(11);
  for (const format::Values values : {format::Values::kPalette, format::Values::kSplit}) {
    Sample s;
    s.dims = {1500, 1000};
    s.rows_per_chunk = 7;
    s.encoding = {.positions = format::Positions::kGap, .values = values, .gap_bits = 4};
    if (values == format::Values::kSplit) s.encoding.split_t = 8;
    for (uint64_t i = 0; i < 1500 * 1000; ++i) {
      const auto weight = static_cast<float>(random() % 16 + 1);
      const bool empty = i / 1000 % 50 == 3;
      s.words.push_back(random() % 4 == 0 || empty ? 0 : std::bit_cast<uint32_t>(weight));
    }
    const Blob file = make_file({s});
    for (const unsigned threads : {1u, 2u}) {
      const auto model = open_bytes(file, threads);
      ASSERT_TRUE(model.ok());
      const auto source = TensorEntries::open(*model.value(), 0, 0);
      ASSERT_TRUE(source.ok());
      for (const RowSteps steps : {RowSteps{16, 16}, {512, 512}, {16, 64}, {32, 704}}) {
        std::vector<std::vector<uint32_t>> words(1500, std::vector<uint32_t>(1000));
        std::atomic<bool> in_slabs{false};
        std::vector<uint64_t> next(ceil_div(1484, steps.run));  // by run
        for (size_t run = 0; run < next.size(); ++run) next[run] = 16 + run * steps.run;
        ASSERT_TRUE(source.value()->each(
            16, 1500, steps,
            [&](const LayerEntries& part, uint64_t at, uint64_t first, uint64_t count) {
              uint64_t& expected = next[(first - 16) / steps.run];
              EXPECT_EQ(first, expected);
              EXPECT_EQ(count, std::min(steps.step, 1500 - first));
              expected += count;
              in_slabs = in_slabs || part.row_start.size() < 1484;
              for (uint64_t row = 0; row < count; ++row, ++at) {
                EXPECT_EQ(part.column(part.row_end(at)),
                          part.has_codes() ? LayerEntries::kColumnMask : LayerEntries::kRowEnd);
                for (uint64_t i = part.row_start[at]; i < part.row_end(at); ++i) {
                  words[first + row][part.column(i)] = std::bit_cast<uint32_t>(part.weight(i));
                }
              }
            }));
        EXPECT_TRUE(in_slabs);
        for (uint64_t i = 16 * 1000; i < s.words.size(); ++i) {
          ASSERT_EQ(words[i / 1000][i % 1000], s.words[i]) << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace dcf::impl::kernels
