// SPDX-License-Identifier: Apache-2.0
// Every table of bucket kernels against a reader that takes one number at a time.
#include "codec/bucket_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "codec/bit_reader.h"

namespace dcf::impl::codec {
namespace {

class BucketKernelsTest : public ::testing::Test {
 protected:
  // Symbols below an alphabet, of which about one in `rare` is large.
  std::vector<uint8_t> symbols_of(BucketCode code, unsigned alphabet, size_t n, unsigned rare) {
    std::vector<uint8_t> symbols(n);
    for (uint8_t& symbol : symbols) {
      const unsigned small = rng_() % (1u << code.t);
      const unsigned large = (1u << code.t) + rng_() % (alphabet - (1u << code.t));
      symbol = static_cast<uint8_t>(rng_() % rare == 0 ? large : small);
    }
    return symbols;
  }

  void check(BucketCode code, const std::vector<uint8_t>& symbols, uint64_t start) {
    uint64_t sum = 0;
    for (const uint8_t symbol : symbols) sum += code.extra_bits(symbol);
    // Of exact size, so that AddressSanitizer sees a byte too many.
    std::vector<uint8_t> bits(ceil_div(start + sum, 8));
    for (uint8_t& byte : bits) byte = static_cast<uint8_t>(rng_());
    for (const BucketKernels* const kernels : available_bucket_kernels()) {
      SCOPED_TRACE(cpu_set_name(kernels->set));
      EXPECT_EQ(kernels->extra_bits(code, symbols), sum);
      std::vector<uint32_t> out(symbols.size(), 0xA5A5A5A5);
      uint64_t position = start;
      const size_t done = kernels->numbers(code, symbols, bits, &position, out.data());
      ASSERT_LE(done, symbols.size());
      if (kernels->set != CpuSet::kScalar && bits.size() >= 64 + 50) EXPECT_GT(done, 0u);
      BitReader reader(bits);
      reader.skip(start);
      for (size_t i = 0; i < done; ++i) {
        ASSERT_EQ(out[i], code.base(symbols[i]) + reader.read(code.extra_bits(symbols[i]))) << i;
      }
      EXPECT_EQ(position, reader.position());
      for (size_t i = done; i < out.size(); ++i) ASSERT_EQ(out[i], 0xA5A5A5A5) << i;
    }
  }

  std::mt19937 rng_{11};
};

TEST_F(BucketKernelsTest, AllCodes) {
  for (unsigned t = 2; t <= 7; ++t) {
    for (unsigned s = 0; s <= 2; ++s) {
      const BucketCode code{t, s};
      // All whose extra bits kernels take, and whose symbols fit a byte.
      const unsigned most = std::min(code.alphabet(kMostExtra + s + 1), 256u);
      for (const unsigned alphabet : {code.alphabet(t + 1), most}) {
        for (const unsigned rare : {1u, 3u, 200u}) {
          for (const size_t n : {0, 7, 16, 31, 500, 2001}) {
            check(code, symbols_of(code, alphabet, n, rare), rng_() % 40);
          }
        }
      }
    }
  }
}

TEST_F(BucketKernelsTest, TheWidestNumbersAtEveryBit) {
  const BucketCode code = kIntBuckets;
  const unsigned widest = code.alphabet(kMostExtra + code.s + 1) - 1;
  ASSERT_EQ(code.extra_bits(widest), kMostExtra);
  const std::vector<uint8_t> symbols(100, static_cast<uint8_t>(widest));
  for (uint64_t start = 0; start < 16; ++start) check(code, symbols, start);
}

}  // namespace
}  // namespace dcf::impl::codec
