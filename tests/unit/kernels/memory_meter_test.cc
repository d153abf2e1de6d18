// SPDX-License-Identifier: Apache-2.0
// The meter of memory sees what it is to meter: every form of operator new, and the two allocators
// of the library that ask for an alignment.
#include "support/memory_meter.h"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <vector>

#include "base/big_vector.h"
#include "kernels/aligned.h"

namespace dcf::impl::kernels {
namespace {

using testing::MemoryMeter;

constexpr size_t kBytes = size_t{1} << 20;

// Makes something of kBytes in so many allocations and gives it back; the meter sees both.
template <typename Make>
void expect_metered(const Make& make, size_t allocations = 1) {
  const MemoryMeter meter;
  {
    const auto made = make();
    // Otherwise a compiler may leave out an allocation that nothing reads.
    asm volatile("" : : "r"(&made) : "memory");
    EXPECT_GE(meter.held(), kBytes);
    EXPECT_LT(meter.held(), kBytes + 8192);
    EXPECT_EQ(meter.allocations(), allocations);
  }
  EXPECT_EQ(meter.held(), 0u);
  EXPECT_GE(meter.peak(), kBytes);
  EXPECT_GE(meter.total(), kBytes);
}

TEST(MemoryMeter, SeesVectors) {
  expect_metered([] { return std::vector<char>(kBytes); });
}

TEST(MemoryMeter, SeesBigVectors) {
  expect_metered([] { return BigVector<char>(kBytes); });
}

TEST(MemoryMeter, SeesAlignedFloats) {
  expect_metered([] { return std::make_unique<AlignedFloats>(kBytes / sizeof(float)); }, 2);
}

TEST(MemoryMeter, SeesEveryFormOfNew) {
  constexpr std::align_val_t kLine{64};
  const MemoryMeter meter;
  void* const all[] = {::operator new(kBytes),
                       ::operator new[](kBytes),
                       ::operator new(kBytes, std::nothrow),
                       ::operator new[](kBytes, std::nothrow),
                       ::operator new(kBytes, kLine),
                       ::operator new[](kBytes, kLine),
                       ::operator new(kBytes, kLine, std::nothrow),
                       ::operator new[](kBytes, kLine, std::nothrow)};
  EXPECT_EQ(meter.allocations(), 8u);
  EXPECT_GE(meter.held(), 8 * kBytes);
  ::operator delete(all[0]);
  ::operator delete[](all[1]);
  ::operator delete(all[2], std::nothrow);
  ::operator delete[](all[3], std::nothrow);
  ::operator delete(all[4], kLine);
  ::operator delete[](all[5], kLine);
  ::operator delete(all[6], kLine, std::nothrow);
  ::operator delete[](all[7], kLine, std::nothrow);
  EXPECT_EQ(meter.held(), 0u);
}

}  // namespace
}  // namespace dcf::impl::kernels
