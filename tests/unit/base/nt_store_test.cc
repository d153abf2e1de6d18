// SPDX-License-Identifier: Apache-2.0
// Every set of non-temporal stores, with no byte written outside of the lines.
#include "base/nt_store.h"

#include <gtest/gtest.h>

#include <numeric>

namespace dcf::impl {
namespace {

constexpr uint8_t kGuard = 0xC9;

std::vector<uint8_t> counting(size_t n) {
  std::vector<uint8_t> bytes(n);
  std::iota(bytes.begin(), bytes.end(), uint8_t{1});
  return bytes;
}

TEST(NtStore, LinesAreCopied) {
  for (const size_t lines : {0, 1, 2, 3, 17, 512}) {
    const size_t n = lines * kLineBytes;
    const std::vector<uint8_t> source = counting(n + 1);
    for (const NtStores* stores : available_nt_stores()) {
      std::vector<uint8_t> buffer(n + 2 * kLineBytes, kGuard);
      const size_t start = -reinterpret_cast<uintptr_t>(buffer.data()) % kLineBytes;
      std::vector<uint8_t> expected = buffer;
      std::copy(source.begin() + 1, source.end(), expected.begin() + static_cast<ptrdiff_t>(start));
      stores->lines(source.data() + 1, n, buffer.data() + start);
      stream_fence();
      ASSERT_EQ(buffer, expected) << cpu_set_name(stores->set) << ", " << lines;
    }
  }
}

TEST(NtStore, CopiesOfAnyLengthToAnyAddress) {
  for (const size_t n : {0, 1, 63, 64, 65, 127, 128, 1000}) {
    const std::vector<uint8_t> source = counting(n);
    for (size_t start = 0; start < kLineBytes; start += 7) {
      std::vector<uint8_t> buffer(n + 2 * kLineBytes, kGuard);
      std::vector<uint8_t> expected = buffer;
      std::copy(source.begin(), source.end(), expected.begin() + static_cast<ptrdiff_t>(start));
      stream_copy(source, buffer.data() + start);
      stream_fence();
      ASSERT_EQ(buffer, expected) << n << " at " << start;
    }
  }
}

}  // namespace
}  // namespace dcf::impl
