// SPDX-License-Identifier: Apache-2.0
// Every set of kernels for sparse output against its definition, at any alignment.
#include "model/word_kernels.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "model/line_writer.h"

namespace dcf::impl::model {
namespace {

using Random = std::mt19937_64;

constexpr uint8_t kLineGuard = 0xC9;

// Bytes that a call wrote to an address that ends in `skew`; nothing around them may have changed.
template <typename Write>
std::vector<uint8_t> written(size_t bytes, size_t skew, Write write) {
  std::vector<uint8_t> buffer(bytes + 3 * kLineBytes, kLineGuard);
  const size_t start =
      kLineBytes + (skew - reinterpret_cast<uintptr_t>(buffer.data())) % kLineBytes;
  write(MutableBytes(buffer).subspan(start, bytes));
  for (size_t i = 0; i < buffer.size(); ++i) {
    if (i == start) i += bytes;
    EXPECT_EQ(buffer[i], kLineGuard) << "outside";
  }
  const auto from = buffer.begin() + static_cast<ptrdiff_t>(start);
  return {from, from + static_cast<ptrdiff_t>(bytes)};
}

TEST(WordKernels, Map) {
  Random random(61);
  for (const size_t size : {1, 2, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 255, 256}) {
    for (const unsigned base : {0u, 1u}) {
      if (size + base > 256) continue;
      std::vector<uint32_t> words(size);
      for (uint32_t& word : words) word = static_cast<uint32_t>(random());
      for (const size_t n : {0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1000}) {
        std::vector<uint8_t> codes(n);
        std::vector<uint8_t> expected(4 * n);
        for (size_t i = 0; i < n; ++i) {
          const auto at = static_cast<size_t>(random() % size);
          codes[i] = static_cast<uint8_t>(at + base);
          store_le(expected.data() + 4 * i, words[at]);
        }
        for (const WordKernels* kernels : available_word_kernels()) {
          const auto out = written(4 * n, n % 7, [&](MutableBytes to) {
            kernels->map(codes.data(), n, {words.data(), size, base}, to.data());
          });
          ASSERT_EQ(out, expected) << cpu_set_name(kernels->set) << ", " << size << " words, " << n;
        }
      }
    }
  }
}

TEST(WordKernels, Add) {
  Random random(62);
  for (const size_t n : {0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1000}) {
    const auto addend = static_cast<uint32_t>(random());
    std::vector<uint32_t> source(n);
    std::vector<uint32_t> sums(n);
    for (size_t i = 0; i < n; ++i) {
      source[i] = static_cast<uint32_t>(random());
      sums[i] = source[i] + addend;
    }
    const auto* const bytes = reinterpret_cast<const uint8_t*>(sums.data());
    for (const WordKernels* kernels : available_word_kernels()) {
      const auto out = written(4 * n, n % 5, [&](MutableBytes to) {
        kernels->add(source.data(), n, addend, to.data());
      });
      ASSERT_EQ(out, std::vector<uint8_t>(bytes, bytes + 4 * n))
          << cpu_set_name(kernels->set) << ", " << n;
    }
  }
}

// Appends up to `most` elements at a time.
template <size_t kSize>
void check_writer(size_t n, size_t most, size_t skew, bool stream) {
  Random random(n + skew);
  std::vector<uint8_t> source(n * kSize);
  for (uint8_t& byte : source) byte = static_cast<uint8_t>(random());
  const auto out = written(source.size(), skew, [&](MutableBytes to) {
    LineWriter<kSize> writer(to, stream);
    for (size_t i = 0; i < n;) {
      const size_t count = std::min<size_t>(n - i, random() % (most + 1));
      writer.append(count, [&](size_t first, size_t some, uint8_t* dst) {
        std::memcpy(dst, source.data() + (i + first) * kSize, some * kSize);
      });
      i += count;
    }
  });
  ASSERT_EQ(out, source) << kSize << " bytes, " << n << " elements, up to " << most << " at "
                         << skew << ", stream " << stream;
}

TEST(LineWriter, AnySizesAndAlignments) {
  for (const size_t n : {0, 1, 15, 16, 17, 100, 3000}) {
    for (const size_t most : {1, 5, 16, 40, 700, 3000}) {
      for (const size_t skew : {0, 1, 4, 8, 40, 63}) {
        for (const bool stream : {false, true}) {
          check_writer<1>(n, most, skew, stream);
          check_writer<2>(n, most, skew, stream);
          check_writer<4>(n, most, skew, stream);
          check_writer<8>(n, most, skew, stream);
        }
      }
    }
  }
}

}  // namespace
}  // namespace dcf::impl::model
