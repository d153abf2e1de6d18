// SPDX-License-Identifier: Apache-2.0
#include "model/word_kernels.h"

#include <array>
#include <cstring>

namespace dcf::impl::model {
namespace {

void map(const uint8_t* codes, size_t n, const WordTable& table, uint8_t* dst) {
  const uint32_t* const words = table.words;
  const unsigned base = table.base;
  for (size_t i = 0; i < n; ++i) store_le(dst + i * sizeof(uint32_t), words[codes[i] - base]);
}

void add(const uint32_t* src, size_t n, uint32_t addend, uint8_t* dst) {
  for (size_t i = 0; i < n; ++i) {
    const uint32_t sum = src[i] + addend;
    std::memcpy(dst + i * sizeof sum, &sum, sizeof sum);
  }
}

}  // namespace

const WordKernels kScalarWordKernels = {CpuSet::kScalar, map, add};

namespace {
constexpr auto kFamily = std::to_array<const WordKernels*>({
  &kScalarWordKernels,
#if defined(__x86_64__)
      &kAvx2WordKernels, &kAvx512bwWordKernels,
#endif
});
}  // namespace

std::vector<const WordKernels*> available_word_kernels() {
  return kernels_in<WordKernels>(kFamily, detected_cpu_sets());
}

const WordKernels& active_word_kernels() {
  static const WordKernels& active = best_kernels<WordKernels>(kFamily);
  return active;
}

}  // namespace dcf::impl::model
