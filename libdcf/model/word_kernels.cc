// SPDX-License-Identifier: Apache-2.0
#include "model/word_kernels.h"

#include <array>
#include <cstring>

#include "base/kernel_choice.h"

namespace dcf::impl {
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

const WordKernels kScalarWordKernels = {"scalar", map, add};

std::span<const WordKernels* const> available_word_kernels() {
#if defined(__x86_64__)
  static constexpr std::array<const WordKernels*, 3> kAll = {&kScalarWordKernels, &kAvx2WordKernels,
                                                             &kAvx512WordKernels};
  size_t count = 1;
  if (__builtin_cpu_supports("avx2")) {
    ++count;
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) ++count;
  }
  return std::span(kAll).first(count);
#else
  static constexpr std::array<const WordKernels*, 1> kAll = {&kScalarWordKernels};
  return kAll;
#endif
}

const WordKernels& active_word_kernels() {
  static const WordKernels& active = choose_kernels(available_word_kernels());
  return active;
}

}  // namespace dcf::impl
