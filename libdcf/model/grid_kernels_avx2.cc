// SPDX-License-Identifier: Apache-2.0
// Each function has its own target attribute (codec/huffman_tree_avx2.cc says why).
#if defined(__x86_64__)
#include <immintrin.h>

#include "model/grid_loops.h"

#define DCF_AVX2 __attribute__((target("avx2,f16c")))

namespace dcf::impl::model {
namespace {

constexpr size_t kLanes = 8;

DCF_AVX2 inline __m256 load_integers(const uint32_t* numbers) {
  const __m256i number = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(numbers));
  const __m256 magnitude = _mm256_cvtepi32_ps(_mm256_srli_epi32(number, 1));
  return _mm256_or_ps(magnitude, _mm256_castsi256_ps(_mm256_slli_epi32(number, 31)));
}

DCF_AVX2 inline void store_halves(__m256 values, uint8_t* words) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(words),
                   _mm256_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT));
}

// Scaled<F16Word> by the conversion of the processor.
struct HardwareHalf {
  using Word = uint16_t;
  DCF_AVX2 static void by_one(std::span<const uint32_t> numbers, float scale, uint8_t* words) {
    const __m256 scales = _mm256_set1_ps(scale);
    size_t i = 0;
    for (; i + kLanes <= numbers.size(); i += kLanes) {
      store_halves(_mm256_mul_ps(load_integers(numbers.data() + i), scales), words + 2 * i);
    }
    Scaled<F16Word>::by_one(numbers.subspan(i), scale, words + 2 * i);
  }
  DCF_AVX2 static void by_many(std::span<const uint32_t> numbers, const float* scales,
                               uint8_t* words) {
    size_t i = 0;
    for (; i + kLanes <= numbers.size(); i += kLanes) {
      const __m256 values =
          _mm256_mul_ps(load_integers(numbers.data() + i), _mm256_loadu_ps(scales + i));
      store_halves(values, words + 2 * i);
    }
    Scaled<F16Word>::by_many(numbers.subspan(i), scales + i, words + 2 * i);
  }
};

DCF_AVX2 void integers(uint32_t cols, std::span<uint32_t> numbers) {
  integers_of_rows(cols, numbers);
}

DCF_AVX2 void words(const format::Tensor& tensor, std::span<const float> scales, uint64_t first,
                    std::span<const uint32_t> numbers, uint8_t* to) {
  scaled_words<HardwareHalf>(tensor, scales, first, numbers, to);
}

}  // namespace

const GridKernels kAvx2GridKernels = {CpuSet::kAvx2, integers, words};

}  // namespace dcf::impl::model
#endif
