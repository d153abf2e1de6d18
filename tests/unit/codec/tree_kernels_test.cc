// SPDX-License-Identifier: Apache-2.0
// Every tree kernel against a loop of single bits, with lists of every length around the steps of
// the kernels. No kernel may write a byte after those that tree_kernels.h allows.
#include "codec/tree_kernels.h"

#include <gtest/gtest.h>

#include "codec/bit_writer.h"
#include "samples.h"

namespace dcf::impl::codec {
namespace {

using testing::Random;

constexpr uint8_t kGuard = 0xC9;

std::vector<uint8_t> random_bytes(Random& random, size_t n) {
  return testing::uniform(random, n, 256);
}
bool bit_at(const std::vector<uint8_t>& bits, size_t i) {
  return bits[i / 8] >> i % 8 & 1;
}

// Bit strings of m bits, with few ones, many, or half of each; the padding is zero.
std::vector<uint8_t> random_bits(Random& random, size_t m) {
  const unsigned share = static_cast<unsigned>(random() % 5) * 64;
  std::vector<uint8_t> bits(ceil_div(m, 8));
  for (size_t i = 0; i < m; ++i) {
    if (random() % 256 < share) bits[i / 8] |= static_cast<uint8_t>(1u << i % 8);
  }
  return bits;
}

std::vector<size_t> lengths(Random& random) {
  std::vector<size_t> all;
  for (size_t m = 1; m <= 200; ++m) all.push_back(m);
  for (unsigned i = 0; i < 20; ++i) all.push_back(200 + random() % 3000);
  return all;
}

void expect_guard(const std::vector<uint8_t>& buffer, size_t from, const char* name) {
  for (size_t i = from; i < buffer.size(); ++i) ASSERT_EQ(buffer[i], kGuard) << name << " " << i;
}

TEST(TreeKernels, CountOnes) {
  Random random(41);
  for (const size_t m : lengths(random)) {
    const std::vector<uint8_t> bits = random_bits(random, m);
    uint64_t ones = 0;
    for (size_t i = 0; i < m; ++i) ones += bit_at(bits, i);
    for (const TreeKernels* kernels : available_tree_kernels()) {
      ASSERT_EQ(kernels->count_ones(bits), ones) << cpu_set_name(kernels->set);
    }
  }
}

TEST(TreeKernels, Merge) {
  Random random(42);
  for (const size_t m : lengths(random)) {
    const std::vector<uint8_t> bits = random_bits(random, m);
    std::vector<uint8_t> left = random_bytes(random, m);
    std::vector<uint8_t> right = random_bytes(random, m);
    std::vector<uint8_t> expected;
    size_t ones = 0;
    for (size_t i = 0; i < m; ++i) {
      expected.push_back(bit_at(bits, i) ? right[ones] : left[i - ones]);
      ones += bit_at(bits, i);
    }
    left.resize(m - ones + kTreeSlack);
    right.resize(ones + kTreeSlack);
    for (const TreeKernels* kernels : available_tree_kernels()) {
      for (const bool exact : {false, true}) {
        const size_t allowed = exact ? m : m + kTreeSlack;
        std::vector<uint8_t> out(allowed + 64, kGuard);
        kernels->merge(bits.data(), m, left.data(), right.data(), out.data(), exact);
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out.begin()))
            << cpu_set_name(kernels->set);
        expect_guard(out, allowed, cpu_set_name(kernels->set));
      }
    }
  }
}

TEST(TreeKernels, Expand) {
  Random random(43);
  for (const size_t m : lengths(random)) {
    for (unsigned width = 1; width <= 8; ++width) {
      const std::vector<uint8_t> symbols = random_bytes(random, size_t{1} << width);
      const std::vector<uint8_t> fields = testing::uniform(random, m, 1u << width);
      std::vector<uint8_t> expected;
      for (const uint8_t field : fields) expected.push_back(symbols[field]);
      std::vector<uint8_t> bits;
      pack_bits(Bytes(fields), width, &bits);
      const size_t used = bits.size();
      if (random() % 2 != 0) bits.resize(used + random() % 100, 0xFF);
      bits = std::vector<uint8_t>(bits);  // exact size
      for (const TreeKernels* kernels : available_tree_kernels()) {
        for (const bool exact : {false, true}) {
          const size_t allowed = exact ? m : m + kTreeSlack;
          std::vector<uint8_t> out(allowed + 64, kGuard);
          kernels->expand(bits.data(), bits.data() + bits.size(), m, width, symbols.data(),
                          out.data(), exact);
          ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out.begin()))
              << cpu_set_name(kernels->set) << ", width " << width << ", " << m;
          expect_guard(out, allowed, cpu_set_name(kernels->set));
        }
      }
    }
  }
}

TEST(TreeKernels, Map) {
  Random random(45);
  for (const size_t m : lengths(random)) {
    const auto size = static_cast<unsigned>(1 + random() % 256);
    const std::vector<uint8_t> table = random_bytes(random, 256);
    const std::vector<uint8_t> source = testing::uniform(random, m, size);  // exact size
    std::vector<uint8_t> expected;
    for (const uint8_t v : source) expected.push_back(table[v]);
    for (const TreeKernels* kernels : available_tree_kernels()) {
      std::vector<uint8_t> out(m + kTreeSlack + 64, kGuard);
      kernels->map(source.data(), m, table.data(), size, out.data());
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out.begin()))
          << cpu_set_name(kernels->set);
      expect_guard(out, m + kTreeSlack, cpu_set_name(kernels->set));
    }
  }
}

TEST(TreeKernels, Pack) {
  Random random(46);
  for (const size_t m : lengths(random)) {
    for (unsigned width = 1; width <= 8; ++width) {
      const auto base = static_cast<uint8_t>(random() % (257 - (1u << width)));
      std::vector<uint8_t> source = testing::uniform(random, m, 1u << width);
      std::vector<uint8_t> expected;
      pack_bits(Bytes(source), width, &expected);
      for (uint8_t& v : source) v = static_cast<uint8_t>(v + base);
      source.resize(m + kTreeSlack, 0xA7);
      for (const TreeKernels* kernels : available_tree_kernels()) {
        std::vector<uint8_t> out(expected.size() + 8 + 64, kGuard);
        kernels->pack(source.data(), m, base, width, out.data());
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out.begin()))
            << cpu_set_name(kernels->set) << ", width " << width << ", " << m;
        expect_guard(out, expected.size() + 8, cpu_set_name(kernels->set));
      }
    }
  }
}

TEST(TreeKernels, Partition) {
  Random random(44);
  for (const size_t m : lengths(random)) {
    const auto pivot = static_cast<uint8_t>(random() % 256);
    std::vector<uint8_t> source = random_bytes(random, m + kTreeSlack);
    std::vector<uint8_t> bits(ceil_div(m, 8));
    std::vector<uint8_t> left;
    std::vector<uint8_t> right;
    for (size_t i = 0; i < m; ++i) {
      const bool bit = source[i] >= pivot;
      bits[i / 8] |= static_cast<uint8_t>(unsigned{bit} << i % 8);
      (bit ? right : left).push_back(source[i]);
    }
    for (const TreeKernels* kernels : available_tree_kernels()) {
      std::vector<uint8_t> list(source.begin(), source.end());
      list.resize(m + kTreeSlack + 64, kGuard);
      std::vector<uint8_t> rights(right.size() + kTreeSlack + 64, kGuard);
      std::vector<uint8_t> out(bits.size() + 8 + 64, kGuard);
      ASSERT_EQ(kernels->partition(list.data(), m, pivot, rights.data(), out.data()), right.size())
          << cpu_set_name(kernels->set);
      ASSERT_TRUE(std::equal(bits.begin(), bits.end(), out.begin())) << cpu_set_name(kernels->set);
      ASSERT_TRUE(std::equal(left.begin(), left.end(), list.begin())) << cpu_set_name(kernels->set);
      ASSERT_TRUE(std::equal(right.begin(), right.end(), rights.begin()))
          << cpu_set_name(kernels->set);
      expect_guard(list, m + kTreeSlack, cpu_set_name(kernels->set));
      expect_guard(rights, right.size() + kTreeSlack, cpu_set_name(kernels->set));
      expect_guard(out, bits.size() + 8, cpu_set_name(kernels->set));
    }
  }
}

}  // namespace
}  // namespace dcf::impl::codec
