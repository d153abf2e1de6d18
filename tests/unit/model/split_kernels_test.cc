// SPDX-License-Identifier: Apache-2.0
// Every set of kernels for split values against the text of spec 8.2, for all parameters.
#include "model/split_kernels.h"

#include <gtest/gtest.h>

#include <random>

#include "codec/bit_writer.h"

namespace dcf::impl::model {
namespace {

constexpr uint8_t kGuard = 0xC9;

// The word as 8.2 has it: symbol, stored bits, zeros, sign; rotated back by one.
uint64_t word_of(unsigned width, const SplitFields& f, uint64_t code, uint64_t field) {
  const uint64_t prefix = (f.base + code) << (width - f.t);
  const uint64_t rotated = prefix | (field >> 1) << (f.z + 1) | (field & 1);
  return (rotated >> 1 | rotated << (width - 1)) & codec::low_mask(width);
}

JoinSplit join_of(const SplitKernels& kernels, unsigned width) {
  return width == 16 ? kernels.join_16 : width == 32 ? kernels.join_32 : kernels.join_64;
}

void check(unsigned width, const SplitFields& f, size_t n, std::mt19937_64& random) {
  std::vector<uint8_t> codes(n);
  std::vector<uint64_t> fields(n);
  std::vector<uint8_t> expected(n * width / 8);
  const uint64_t symbols = std::min<uint64_t>(256, (uint64_t{1} << f.t) - f.base);
  size_t nonzeros = 0;
  for (size_t i = 0; i < n; ++i) {
    codes[i] = static_cast<uint8_t>(random() % symbols);
    fields[i] = random() & codec::low_mask(f.bits);
    if (random() % 4 == 0) {
      codes[i] = 0;
      fields[i] &= 1;  // a zero of either sign, if the base is 0
    }
    const uint64_t word = word_of(width, f, codes[i], fields[i]);
    nonzeros += (word & codec::low_mask(width - 1)) != 0;
    store_word(expected.data() + i * width / 8, width / 8, word);
  }
  std::vector<uint8_t> packed;
  codec::pack_bits<uint64_t>(fields, f.bits, &packed);
  for (const SplitKernels* const kernels : available_split_kernels()) {
    // Exact sizes, so that a sanitizer sees a byte too many that is read.
    const std::vector<uint8_t> tail(packed.begin(), packed.end());
    std::vector<uint8_t> words(expected.size() + 1, kGuard);
    ASSERT_EQ(join_of(*kernels, width)(codes, tail, f, words.data()), nonzeros);
    ASSERT_EQ(words.back(), kGuard);
    words.pop_back();
    ASSERT_EQ(words, expected) << cpu_set_name(kernels->set) << ", W " << width << ", t " << f.t
                               << ", z " << f.z << ", n " << n;
  }
}

TEST(SplitKernels, AllParameters) {
  std::mt19937_64 random(63);
  for (const unsigned width : {16u, 32u, 64u}) {
    for (unsigned t = 5; t <= 12; ++t) {
      for (unsigned z = 0; t + z < width; ++z) {
        const unsigned base = random() % 2 ? static_cast<unsigned>(random() % (1u << t)) : 0;
        const SplitFields fields{t, z, base, width - t - z};
        for (const size_t n : {1, 7, 8, 9, 15, 16, 17, 31, 40, 333}) {
          check(width, fields, n, random);
        }
      }
    }
  }
}

}  // namespace
}  // namespace dcf::impl::model
