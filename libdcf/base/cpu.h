// SPDX-License-Identifier: Apache-2.0
// The instruction sets that the library uses: one detection of the processor, and one meaning of
// the environment variable DCF_KERNEL, for every family of kernels. Both are read once per process,
// by the first call that needs them, and stay as they are.
//
// DCF_KERNEL names one set: only that set and the sets that it includes are allowed. If it is unset
// or empty, all sets of the processor are allowed. A name that is unknown, or whose set the
// processor lacks, is an error: no handle opens (check_kernel_choice), and everything else uses
// portable code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace dcf::impl {

// Named by feature, in rising order of speed on one processor.
enum class CpuSet : uint8_t {
  kScalar,       // what the compiler assumes of every processor of this architecture
  kSsse3,        // SSSE3
  kAvx2,         // and AVX2, FMA, F16C, BMI1, BMI2, LZCNT, POPCNT
  kAvx512bw,     // and AVX-512 F, BW, DQ, VL
  kAvx512vbmi2,  // and AVX-512 VBMI, VBMI2, VPOPCNTDQ
  kNeon,         // Arm's Advanced SIMD, and what scalar has
  kSimd128,      // WebAssembly's SIMD, and what scalar has
};
inline constexpr size_t kCpuSets = 7;

// "avx2": the name that DCF_KERNEL takes. Static storage.
const char* cpu_set_name(CpuSet set);

// A selection of sets.
class CpuSets {
 public:
  constexpr CpuSets() = default;
  constexpr void add(CpuSet set) { mask_ |= bit(set); }
  constexpr bool has(CpuSet set) const { return (mask_ & bit(set)) != 0; }
  constexpr bool operator==(const CpuSets&) const = default;

 private:
  static constexpr uint32_t bit(CpuSet set) { return uint32_t{1} << static_cast<unsigned>(set); }
  uint32_t mask_ = 0;
};

// All sets of this processor; kScalar is always one of them.
const CpuSets& detected_cpu_sets();

struct KernelChoice {
  CpuSets allowed;
  // "", or why the wish is refused, with the possible names; then only kScalar is allowed.
  std::string refusal;
};
// What DCF_KERNEL=`wish` means on a processor with these sets. NULL or "": no wish.
KernelChoice choose_kernels(const CpuSets& detected, const char* wish);

// The choice for this processor and environment. Never changes.
const KernelChoice& kernel_choice();

// InvalidArgument where the wish of the environment is refused.
Status check_kernel_choice();

// A family of kernels is a list of tables with a member `set`: the portable one first, the best one
// last.

// The tables whose sets are in `sets`.
template <typename Table>
std::vector<const Table*> kernels_in(std::span<const Table* const> family, const CpuSets& sets) {
  std::vector<const Table*> found;
  for (const Table* table : family) {
    if (sets.has(table->set)) found.push_back(table);
  }
  return found;
}

// The best one that this process may use.
template <typename Table>
const Table& best_kernels(std::span<const Table* const> family) {
  const Table* best = family.front();
  for (const Table* table : family) {
    if (kernel_choice().allowed.has(table->set)) best = table;
  }
  return *best;
}

}  // namespace dcf::impl
