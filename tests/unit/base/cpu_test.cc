// SPDX-License-Identifier: Apache-2.0
#include "base/cpu.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <initializer_list>
#include <string>

namespace dcf::impl {
namespace {

CpuSets sets_of(std::initializer_list<CpuSet> sets) {
  CpuSets all;
  for (const CpuSet set : sets) all.add(set);
  return all;
}

const CpuSets kHaswell = sets_of({CpuSet::kScalar, CpuSet::kSsse3, CpuSet::kAvx2});

TEST(Cpu, WithoutAWishAllSetsOfTheProcessorAreAllowed) {
  for (const char* none : {static_cast<const char*>(nullptr), ""}) {
    const KernelChoice choice = choose_kernels(kHaswell, none);
    EXPECT_EQ(choice.allowed, kHaswell);
    EXPECT_EQ(choice.refusal, "");
  }
}

TEST(Cpu, AWishAllowsASetAndWhatItIncludes) {
  EXPECT_EQ(choose_kernels(kHaswell, "scalar").allowed, sets_of({CpuSet::kScalar}));
  EXPECT_EQ(choose_kernels(kHaswell, "ssse3").allowed, sets_of({CpuSet::kScalar, CpuSet::kSsse3}));
  EXPECT_EQ(choose_kernels(kHaswell, "avx2").allowed, kHaswell);
  const CpuSets arm = sets_of({CpuSet::kScalar, CpuSet::kNeon});
  EXPECT_EQ(choose_kernels(arm, "neon").allowed, arm);
  EXPECT_EQ(choose_kernels(arm, "scalar").allowed, sets_of({CpuSet::kScalar}));
}

TEST(Cpu, AWishThatIsUnknownOrAbsentIsRefusedWithTheNamesThatAreNot) {
  for (const char* unknown : {"avx3", "AVX2", "avx2 ", "avx512", "sse"}) {
    const KernelChoice choice = choose_kernels(kHaswell, unknown);
    EXPECT_EQ(choice.refusal,
              "DCF_KERNEL names an instruction set that the library does not know; it can be "
              "scalar, ssse3, avx2");
    EXPECT_EQ(choice.allowed, sets_of({CpuSet::kScalar}));
  }
  for (const char* absent : {"avx512bw", "avx512vbmi2", "neon", "simd128"}) {
    const KernelChoice choice = choose_kernels(kHaswell, absent);
    EXPECT_EQ(choice.refusal,
              "DCF_KERNEL names an instruction set that this processor lacks; it can be scalar, "
              "ssse3, avx2");
    EXPECT_EQ(choice.allowed, sets_of({CpuSet::kScalar}));
  }
}

TEST(Cpu, EverySetHasItsName) {
  CpuSets all;
  for (size_t i = 0; i < kCpuSets; ++i) all.add(static_cast<CpuSet>(i));
  for (size_t i = 0; i < kCpuSets; ++i) {
    const auto set = static_cast<CpuSet>(i);
    const KernelChoice choice = choose_kernels(all, cpu_set_name(set));
    EXPECT_EQ(choice.refusal, "");
    EXPECT_TRUE(choice.allowed.has(set)) << cpu_set_name(set);
  }
}

TEST(Cpu, TheProcessGetsWhatTheEnvironmentSays) {
  const KernelChoice expected = choose_kernels(detected_cpu_sets(), std::getenv("DCF_KERNEL"));
  EXPECT_TRUE(detected_cpu_sets().has(CpuSet::kScalar));
  EXPECT_EQ(kernel_choice().allowed, expected.allowed);
  EXPECT_EQ(check_kernel_choice().ok(), expected.refusal.empty());
}

TEST(Cpu, AFamilyGivesItsBestTableThatIsAllowed) {
  struct Table {
    CpuSet set;
  };
  static constexpr Table kScalar{CpuSet::kScalar};
  static constexpr Table kAvx2{CpuSet::kAvx2};
  static constexpr Table kAvx512bw{CpuSet::kAvx512bw};
  static constexpr std::array<const Table*, 3> kFamily = {&kScalar, &kAvx2, &kAvx512bw};
  EXPECT_EQ(kernels_in<Table>(kFamily, kHaswell), (std::vector<const Table*>{&kScalar, &kAvx2}));
  const std::vector<const Table*> here = kernels_in<Table>(kFamily, kernel_choice().allowed);
  EXPECT_EQ(&best_kernels<Table>(kFamily), here.back());
}

// Tests of kernels go through the sets of this processor; this one says which they leave out.
TEST(Cpu, KernelsOfEverySetAreTestedHere) {
#if defined(__x86_64__)
  const std::array all = {CpuSet::kSsse3, CpuSet::kAvx2, CpuSet::kAvx512bw, CpuSet::kAvx512vbmi2};
#elif defined(__aarch64__)
  const std::array all = {CpuSet::kNeon};
#else
  const std::array all = {CpuSet::kScalar};
#endif
  std::string missing;
  for (const CpuSet set : all) {
    if (!detected_cpu_sets().has(set)) missing += std::string(" ") + cpu_set_name(set);
  }
  if (!missing.empty())
    GTEST_SKIP() << "left out, as this processor lacks them: tests of" << missing;
}

}  // namespace
}  // namespace dcf::impl
