// SPDX-License-Identifier: Apache-2.0
#include "encode/round/trellis_kernels.h"

#include <algorithm>
#include <array>

namespace dcf::impl::encode {
namespace {

typedef float Costs __attribute__((vector_size(16)));

void search_row(TrellisRow* row, size_t n) {
  // The states 0 to 3 after an element are reached from 0 0 1 1 with the cosets 0 2 1 3, and from
  // 2 2 3 3 with 2 0 3 1.
  constexpr Costs kCosets = {0, 2, 1, 3};
  constexpr Costs kQuarter = {0.25F, 0.25F, 0.25F, 0.25F};
  constexpr Costs kRound = {kTrellisRounding, kTrellisRounding, kTrellisRounding, kTrellisRounding};
  Costs costs = {0, kTrellisFar, kTrellisFar, kTrellisFar};
  TrellisWays* out = row->ways;
  for (size_t begin = 0; begin < n; begin += kTrellisBlock) {
    TrellisWays ways{};
    for (size_t i = begin; i < std::min(n, begin + kTrellisBlock); ++i) {
      const float x = row->steps[i];
      const Costs above = Costs{x, x, x, x} - kCosets;
      const Costs quarter = above * kQuarter;
      const Costs error = above - (quarter + kRound - kRound) * 4;
      const Costs square = error * error * (x == 0 ? kTrellisFar : row->weights[i]);
      const Costs lower = __builtin_shufflevector(costs, costs, 0, 0, 1, 1) + square;
      const Costs upper = __builtin_shufflevector(costs, costs, 2, 2, 3, 3) +
                          __builtin_shufflevector(square, square, 1, 0, 3, 2);
      const auto from_upper = upper < lower;
      costs = from_upper ? upper : lower;
      const TrellisWays before = from_upper ? __builtin_shufflevector(ways, ways, 2, 2, 3, 3)
                                            : __builtin_shufflevector(ways, ways, 0, 0, 1, 1);
      ways = before + before - (TrellisWays)from_upper;
    }
    *out++ = ways;
    // What all ways cost stays small beside what an element of little weight costs.
    costs -= std::min(std::min(costs[0], costs[1]), std::min(costs[2], costs[3]));
  }
  row->state = 0;
  for (size_t s = 1; s < kTrellisStates; ++s) {
    if (costs[s] < costs[row->state]) row->state = s;
  }
}

void search(TrellisRow* rows, size_t n) {
  search_row(rows, n);
  if (rows[1].ways != rows[0].ways) search_row(rows + 1, n);
}

}  // namespace

const TrellisKernels kScalarTrellisKernels = {CpuSet::kScalar, search};

namespace {
constexpr auto kFamily = std::to_array<const TrellisKernels*>({
  &kScalarTrellisKernels,
#if defined(__x86_64__)
      &kAvx2TrellisKernels,
#endif
});
}  // namespace

std::vector<const TrellisKernels*> available_trellis_kernels() {
  return kernels_in<TrellisKernels>(kFamily, detected_cpu_sets());
}

const TrellisKernels& active_trellis_kernels() {
  static const TrellisKernels& active = best_kernels<TrellisKernels>(kFamily);
  return active;
}

}  // namespace dcf::impl::encode
