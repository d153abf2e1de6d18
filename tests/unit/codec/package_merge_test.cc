// SPDX-License-Identifier: Apache-2.0
#include "codec/package_merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <queue>

#include "samples.h"

namespace dcf::impl::codec {
namespace {

using testing::Random;

uint64_t cost_of(const std::vector<uint64_t>& counts, const CodeLengths& code) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < counts.size(); ++i) {
    EXPECT_EQ(counts[i] > 0, code.length(i) > 0);
    bits += counts[i] * code.length(i);
  }
  return bits;
}

// The cheapest way to spend the rest of the Kraft sum (in units of 2^-limit) on the symbols left.
uint64_t brute_force(const std::vector<uint64_t>& counts, size_t i, unsigned room, unsigned limit) {
  if (i == counts.size()) return room == 0 ? 0 : UINT64_MAX;
  uint64_t best = UINT64_MAX;
  for (unsigned length = 1; length <= limit; ++length) {
    const unsigned share = 1u << (limit - length);
    if (share > room) continue;
    const uint64_t rest = brute_force(counts, i + 1, room - share, limit);
    if (rest != UINT64_MAX) best = std::min(best, rest + counts[i] * length);
  }
  return best;
}

uint64_t plain_huffman(const std::vector<uint64_t>& counts) {
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> queue;
  for (const uint64_t count : counts) {
    if (count > 0) queue.push(count);
  }
  uint64_t bits = 0;
  while (queue.size() > 1) {
    const uint64_t a = queue.top();
    queue.pop();
    const uint64_t b = queue.top();
    queue.pop();
    bits += a + b;
    queue.push(a + b);
  }
  return bits;
}

TEST(PackageMerge, IsOptimalUnderItsLimit) {
  Random random(8);
  for (unsigned round = 0; round < 3000; ++round) {
    std::vector<uint64_t> counts(2 + random() % 5);
    const unsigned steep = static_cast<unsigned>(random() % 5);
    for (size_t i = 0; i < counts.size(); ++i) counts[i] = 1 + (random() % 20) * (1u << steep * i);
    for (unsigned limit = 3; limit <= 5; ++limit) {
      const auto code = optimal_code_lengths(counts, limit);
      ASSERT_TRUE(code.ok());
      ASSERT_LE(code.value().longest(), limit);
      ASSERT_EQ(cost_of(counts, code.value()), brute_force(counts, 0, 1u << limit, limit));
    }
  }
}

// The lengths by lists of coins and packages as spec 4.4 has them, a coin as the symbols in it.
std::vector<unsigned> lengths_by_packages(const std::vector<uint64_t>& counts) {
  struct Item {
    uint64_t weight;
    std::vector<size_t> symbols;
  };
  std::vector<Item> coins;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) coins.push_back({counts[i], {i}});
  }
  const auto lighter = [](const Item& a, const Item& b) { return a.weight < b.weight; };
  std::stable_sort(coins.begin(), coins.end(), lighter);
  std::vector<Item> list = coins;
  for (unsigned l = 1; l < kMaxCodeLength; ++l) {
    std::vector<Item> next = coins;  // before packages of the same weight, as the sort is stable
    for (size_t i = 0; i + 1 < list.size(); i += 2) {
      Item package = list[i];
      package.weight += list[i + 1].weight;
      package.symbols.insert(package.symbols.end(), list[i + 1].symbols.begin(),
                             list[i + 1].symbols.end());
      next.push_back(std::move(package));
    }
    std::stable_sort(next.begin(), next.end(), lighter);
    list = std::move(next);
  }
  std::vector<unsigned> lengths(counts.size());
  for (size_t i = 0; i < 2 * coins.size() - 2; ++i) {
    for (const size_t symbol : list[i].symbols) ++lengths[symbol];
  }
  return lengths;
}

// Coded names have exactly one code (M-18), so ties must be broken as the text says, whether the
// limit binds or not.
TEST(PackageMerge, BreaksTiesAsTheTextSays) {
  Random random(10);
  for (unsigned round = 0; round < 3000; ++round) {
    std::vector<uint64_t> counts(2 + random() % 40);
    const uint64_t most = 1 + random() % 6;
    const bool steep = round % 4 == 0;
    for (uint64_t& count : counts) {
      count = steep ? uint64_t{1} << random() % 20 : random() % (most + 1);
    }
    counts.front() = counts.back() = 1;
    const auto code = optimal_code_lengths(counts);
    ASSERT_TRUE(code.ok());
    const std::vector<unsigned> expected = lengths_by_packages(counts);
    for (unsigned i = 0; i < counts.size(); ++i) ASSERT_EQ(code.value().length(i), expected[i]);
  }
}

TEST(PackageMerge, IsPlainHuffmanWhereTheLimitDoesNotBind) {
  Random random(9);
  for (unsigned round = 0; round < 500; ++round) {
    std::vector<uint64_t> counts(2 + random() % 255);
    for (uint64_t& count : counts) count = 100 + random() % 100;
    counts[random() % counts.size()] = 0;
    if (counts.size() == 2) continue;
    const auto code = optimal_code_lengths(counts);
    ASSERT_TRUE(code.ok());
    ASSERT_EQ(cost_of(counts, code.value()), plain_huffman(counts));
  }
}

TEST(PackageMerge, ExtremeCountsStayWithinTheLimit) {
  std::vector<uint64_t> fibonacci = {1, 1};
  while (fibonacci.size() < 60) fibonacci.push_back(fibonacci.end()[-1] + fibonacci.end()[-2]);
  EXPECT_EQ(optimal_code_lengths(fibonacci).value().longest(), 12u);
  const std::vector<uint64_t> huge(256, uint64_t{1} << 48);
  EXPECT_EQ(optimal_code_lengths(huge, 8).value().longest(), 8u);
}

TEST(PackageMerge, RefusesWhatHasNoCode) {
  EXPECT_FALSE(optimal_code_lengths(std::vector<uint64_t>{}).ok());
  EXPECT_FALSE(optimal_code_lengths(std::vector<uint64_t>{0, 7, 0}).ok());
  EXPECT_FALSE(optimal_code_lengths(std::vector<uint64_t>(9, 1), 3).ok());
  EXPECT_TRUE(optimal_code_lengths(std::vector<uint64_t>(8, 1), 3).ok());
  EXPECT_FALSE(optimal_code_lengths(std::vector<uint64_t>(8, 1), 13).ok());
  EXPECT_FALSE(optimal_code_lengths(std::vector<uint64_t>(257, 1)).ok());
}

}  // namespace
}  // namespace dcf::impl::codec
