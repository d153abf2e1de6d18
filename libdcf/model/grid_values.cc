// SPDX-License-Identifier: Apache-2.0
#include "model/grid_values.h"

#include "model/grid_kernels.h"
#include "model/grid_loops.h"

namespace dcf::impl::model {
namespace {

void integers(uint32_t cols, std::span<uint32_t> numbers) {
  integers_of_rows(cols, numbers);
}

void words(const format::Tensor& tensor, std::span<const float> scales, uint64_t first,
           std::span<const uint32_t> numbers, uint8_t* to) {
  scaled_words<Scaled<F16Word>>(tensor, scales, first, numbers, to);
}

constexpr auto kFamily = std::to_array<const GridKernels*>({
  &kScalarGridKernels,
#if defined(__x86_64__)
      &kAvx2GridKernels, &kAvx512bwGridKernels,
#endif
});

const GridKernels& active() {
  static const GridKernels& kernels = best_kernels<GridKernels>(kFamily);
  return kernels;
}

}  // namespace

const GridKernels kScalarGridKernels = {CpuSet::kScalar, integers, words};

std::vector<const GridKernels*> available_grid_kernels() {
  return kernels_in<GridKernels>(kFamily, detected_cpu_sets());
}

void trellis_integers(uint32_t cols, std::span<uint32_t> numbers) {
  active().integers(cols, numbers);
}

void grid_words(const format::Tensor& tensor, std::span<const float> scales, uint64_t first,
                std::span<const uint32_t> numbers, uint8_t* to) {
  active().words(tensor, scales, first, numbers, to);
}

}  // namespace dcf::impl::model
