// SPDX-License-Identifier: Apache-2.0
// Each function has its own target attribute (codec/huffman_tree_avx2.cc says why).
#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <limits>

#include "encode/content/grid_scales.h"
#include "encode/round/grid_block.h"

#define DCF_AVX2 __attribute__((target("avx2,f16c")))

namespace dcf::impl::encode {
namespace {

constexpr size_t kLanes = 8;
constexpr size_t kBlock = 512;

DCF_AVX2 inline __m256i bits_of(__m256 floats) {
  return _mm256_castps_si256(floats);
}
DCF_AVX2 inline __m256 magnitudes(__m256 floats) {
  return _mm256_and_ps(floats, _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF)));
}

// What the nearest words of the dtype decode to.
template <DType kDType>
DCF_AVX2 inline __m256 round_floats(__m256 floats) {
  if constexpr (kDType == DType::kF16) {
    constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return _mm256_cvtph_ps(_mm256_cvtps_ph(floats, kNearest));
  } else if constexpr (kDType == DType::kBF16) {
    const __m256i bits = bits_of(floats);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_srli_epi32(sum, 16), 16));
  } else {
    return floats;
  }
}

// Stores floats that have words.
template <DType kDType>
DCF_AVX2 inline void store_words(__m256 floats, uint8_t* words) {
  if constexpr (kDType == DType::kF16) {
    const __m128i halves = _mm256_cvtps_ph(floats, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(words), halves);
  } else if constexpr (kDType == DType::kBF16) {
    const __m256i high = _mm256_srli_epi32(bits_of(floats), 16);
    const __m128i halves =
        _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(words), halves);
  } else {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(words), bits_of(floats));
  }
}

template <DType kDType>
class Setter {
 public:
  DCF_AVX2 Setter(const float* scales, uint32_t* numbers, uint8_t* words)
      : scales_(scales), numbers_(numbers), words_(words) {}

  // Elements i to i + 7.
  DCF_AVX2 inline void set(size_t i, __m256 values, __m256i multiples) {
    const __m256 decoded = round_floats<kDType>(
        _mm256_mul_ps(_mm256_cvtepi32_ps(multiples), _mm256_loadu_ps(scales_ + i)));
    // A word of zero has no sign, and its number is 0.
    const __m256i is_zero =
        _mm256_cmpeq_epi32(_mm256_slli_epi32(bits_of(decoded), 1), _mm256_setzero_si256());
    const __m256i number = _mm256_or_si256(_mm256_slli_epi32(_mm256_abs_epi32(multiples), 1),
                                           _mm256_srli_epi32(multiples, 31));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(numbers_ + i),
                        _mm256_andnot_si256(is_zero, number));
    store_words<kDType>(_mm256_andnot_ps(_mm256_castsi256_ps(is_zero), decoded),
                        words_ + i * dtype_bits(kDType) / 8);
    note_error(values, decoded);
    const __m256i nonzero = bits_of(_mm256_cmp_ps(values, _mm256_setzero_ps(), _CMP_NEQ_OQ));
    nonzeros_ = _mm256_sub_epi32(nonzeros_, nonzero);
    const __m256 lost = magnitudes(_mm256_sub_ps(values, decoded));
    const __m256i all_lost = bits_of(_mm256_cmp_ps(lost, magnitudes(values), _CMP_GE_OQ));
    vanished_ = _mm256_sub_epi32(vanished_, _mm256_and_si256(nonzero, all_lost));
  }

  DCF_AVX2 RoundingEffect effect() const {
    RoundingEffect effect;
    std::array<double, kLanes / 2> errors;
    _mm256_storeu_pd(errors.data(), greatest_error_);
    effect.greatest_error = *std::max_element(errors.begin(), errors.end());
    std::array<uint32_t, kLanes> counts;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(counts.data()), nonzeros_);
    for (const uint32_t n : counts) effect.nonzeros += n;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(counts.data()), vanished_);
    for (const uint32_t n : counts) effect.vanished += n;
    return effect;
  }

 private:
  // A difference of floats is rounded; that of doubles is not. It is infinite where f16 ends
  // before.
  DCF_AVX2 inline void note_error(__m256 a, __m256 b) {
    const __m256d sign = _mm256_set1_pd(-0.0);
    const __m256d low = _mm256_sub_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(a)),
                                      _mm256_cvtps_pd(_mm256_castps256_ps128(b)));
    const __m256d high = _mm256_sub_pd(_mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)),
                                       _mm256_cvtps_pd(_mm256_extractf128_ps(b, 1)));
    greatest_error_ = _mm256_max_pd(greatest_error_, _mm256_andnot_pd(sign, low));
    greatest_error_ = _mm256_max_pd(greatest_error_, _mm256_andnot_pd(sign, high));
  }

  const float* const scales_;
  uint32_t* const numbers_;
  uint8_t* const words_;
  __m256d greatest_error_ = __m256d{};
  __m256i nonzeros_ = __m256i{};
  __m256i vanished_ = __m256i{};
};

template <DType kDType>
DCF_AVX2 RoundingEffect round_all(std::span<const float> values, const float* scales,
                                  const float* inverses, uint32_t* numbers, uint8_t* words) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  const __m256 limit = _mm256_set1_ps(static_cast<float>(kMaxGridInteger));
  Setter<kDType> setter(scales, numbers, words);
  RoundingEffect all;
  size_t i = 0;
  while (i + kLanes <= values.size()) {
    const size_t end = i + std::min(kBlock, (values.size() - i) / kLanes * kLanes);
    __m256 fits = _mm256_castsi256_ps(_mm256_set1_epi32(-1));
    for (size_t k = i; k < end; k += kLanes) {
      const __m256 steps =
          _mm256_mul_ps(_mm256_loadu_ps(&values[k]), _mm256_loadu_ps(inverses + k));
      fits = _mm256_and_ps(fits, _mm256_cmp_ps(magnitudes(steps), limit, _CMP_LT_OQ));
    }
    if (_mm256_movemask_ps(fits) != 0xFF) {
      all.greatest_error = std::numeric_limits<double>::infinity();
      i = end;
      continue;
    }
    for (; i < end; i += kLanes) {
      const __m256 value = _mm256_loadu_ps(&values[i]);
      const __m256 steps = _mm256_mul_ps(value, _mm256_loadu_ps(inverses + i));
      // Halves away from 0.
      const __m256 half = _mm256_or_ps(_mm256_and_ps(steps, sign), _mm256_set1_ps(0.5F));
      setter.set(i, value, _mm256_cvttps_epi32(_mm256_add_ps(steps, half)));
    }
  }
  all.add(setter.effect());
  all.add(kScalarBlockKernels.round(kDType, values.subspan(i), scales + i, inverses + i,
                                    numbers + i, words + i * dtype_bits(kDType) / 8));
  return all;
}

template <DType kDType>
DCF_AVX2 RoundingEffect set_all(std::span<const float> values, const int32_t* multiples,
                                const float* scales, uint32_t* numbers, uint8_t* words) {
  Setter<kDType> setter(scales, numbers, words);
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    setter.set(i, _mm256_loadu_ps(&values[i]),
               _mm256_loadu_si256(reinterpret_cast<const __m256i*>(multiples + i)));
  }
  RoundingEffect all = setter.effect();
  all.add(kScalarBlockKernels.set_multiples(kDType, values.subspan(i), multiples + i, scales + i,
                                            numbers + i, words + i * dtype_bits(kDType) / 8));
  return all;
}

// Calls f<dtype>().
template <typename F>
RoundingEffect with_dtype(DType dtype, F f) {
  switch (dtype) {
    case DType::kF32:
      return f.template operator()<DType::kF32>();
    case DType::kBF16:
      return f.template operator()<DType::kBF16>();
    default:
      return f.template operator()<DType::kF16>();
  }
}

RoundingEffect round(DType dtype, std::span<const float> values, const float* scales,
                     const float* inverses, uint32_t* numbers, uint8_t* words) {
  return with_dtype(dtype, [&]<DType kDType>() {
    return round_all<kDType>(values, scales, inverses, numbers, words);
  });
}

RoundingEffect set_multiples(DType dtype, std::span<const float> values, const int32_t* multiples,
                             const float* scales, uint32_t* numbers, uint8_t* words) {
  return with_dtype(dtype, [&]<DType kDType>() {
    return set_all<kDType>(values, multiples, scales, numbers, words);
  });
}

}  // namespace

const BlockKernels kAvx2BlockKernels = {CpuSet::kAvx2, round, set_multiples};

}  // namespace dcf::impl::encode
#endif
