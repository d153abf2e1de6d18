// SPDX-License-Identifier: Apache-2.0
#include "base/float_convert.h"

#include <array>
#include <bit>
#include <type_traits>

#include "base/float_kernels.h"

namespace dcf::impl {
namespace {

constexpr uint32_t kF32Inf = 0x7F800000;
constexpr uint32_t kF32Quiet = 0x00400000;
constexpr uint32_t kFnuzNan = 0x80;

// A format of at most 16 bits as float. The exponent and mantissa move to their places in a float
// and the exponent is rebiased; a subnormal becomes right by subtracting the leading one that the
// rebiased word implies. Both are normal floats, so the result is exact in any denormal mode, and
// there is no branch to keep the loop from being vectorised.
template <typename Word, int kExponentBits, int kMantissaBits>
inline float widen_small(Word word) {
  constexpr int kShift = 23 - kMantissaBits;
  constexpr uint32_t kBias = (uint32_t{1} << (kExponentBits - 1)) - 1;
  constexpr uint32_t kMagnitude = (uint32_t{1} << (kExponentBits + kMantissaBits)) - 1;
  constexpr uint32_t kTopExponent = ((uint32_t{1} << kExponentBits) - 1) << 23;
  const uint32_t sign = static_cast<uint32_t>(word >> (kExponentBits + kMantissaBits)) << 31;
  const uint32_t moved = (word & kMagnitude) << kShift;
  const uint32_t normal = moved + ((127 - kBias) << 23);
  const float subnormal =
      std::bit_cast<float>(normal + (1u << 23)) - std::bit_cast<float>((128 - kBias) << 23);
  const uint32_t special = moved | kF32Inf | (moved > kTopExponent ? kF32Quiet : 0);
  const uint32_t magnitude = moved >= kTopExponent ? special
                             : moved < (1u << 23)  ? std::bit_cast<uint32_t>(subnormal)
                                                   : normal;
  return std::bit_cast<float>(magnitude | sign);
}

// Each dtype: its word, and the value of a word as float or double.
struct F64 {
  using Word = uint64_t;
  template <typename To>
  static To value(Word word) {
    const double v = std::bit_cast<double>(word);
    if constexpr (std::is_same_v<To, float>) {
      // NaNs by hand: what a conversion keeps of the payload differs between machines.
      if (v != v) {
        return std::bit_cast<float>(static_cast<uint32_t>(word >> 63) << 31 | kF32Inf | kF32Quiet |
                                    (static_cast<uint32_t>(word >> 29) & 0x007FFFFF));
      }
    }
    return static_cast<To>(v);
  }
};

struct F32 {
  using Word = uint32_t;
  template <typename To>
  static To value(Word word) {
    const uint32_t nan = (word & ~(1u << 31)) > kF32Inf ? kF32Quiet : 0;
    return std::bit_cast<float>(word | nan);
  }
};

struct BF16 {
  using Word = uint16_t;
  template <typename To>
  static To value(Word word) {
    return F32::value<To>(uint32_t{word} << 16);
  }
};

template <typename W, int kExponentBits, int kMantissaBits>
struct SmallFloat {
  using Word = W;
  template <typename To>
  static To value(Word word) {
    return widen_small<Word, kExponentBits, kMantissaBits>(word);
  }
};

struct F8E4M3 {
  using Word = uint8_t;
  template <typename To>
  static To value(Word word) {
    // Read as an f16 whose highest exponent bit is 0, the word has no special values, and a bias of
    // 15 where f8e4m3 has 7.
    const float v =
        widen_small<uint16_t, 5, 10>(static_cast<uint16_t>((word & 0x7F) << 7)) * 256.0f;
    const uint32_t magnitude =
        (word & 0x7F) == 0x7F ? kF32Inf | kF32Quiet : std::bit_cast<uint32_t>(v);
    return std::bit_cast<float>(magnitude | static_cast<uint32_t>(word >> 7) << 31);
  }
};

// Without infinities and -0: 0x80 is the only NaN, and it has no sign. Read with one more exponent
// bit, which is 0, a word has no special values, and its exponent is too small by
// 2^(kExponentBits - 1) - 1.
template <int kExponentBits, int kMantissaBits>
struct FnuzFloat {
  using Word = uint8_t;
  template <typename To>
  static To value(Word word) {
    constexpr auto kScale = static_cast<float>(1u << ((1u << (kExponentBits - 1)) - 1));
    const float v = widen_small<uint16_t, kExponentBits + 1, kMantissaBits>(word & 0x7F) * kScale;
    const uint32_t bits = std::bit_cast<uint32_t>(v) | static_cast<uint32_t>(word >> 7) << 31;
    return std::bit_cast<float>(word == kFnuzNan ? kF32Inf | kF32Quiet : bits);
  }
};

template <typename T>
struct Integer {
  using Word = std::make_unsigned_t<T>;
  template <typename To>
  static To value(Word word) {
    return static_cast<To>(static_cast<T>(word));
  }
};

// visit(Format) for the Format of a dtype.
template <typename Visit>
auto with_format(DType dtype, Visit visit) {
  switch (dtype) {
    case DType::kF64:
      return visit(F64{});
    case DType::kF32:
      return visit(F32{});
    case DType::kF16:
      return visit(SmallFloat<uint16_t, 5, 10>{});
    case DType::kBF16:
      return visit(BF16{});
    case DType::kF8E4M3:
      return visit(F8E4M3{});
    case DType::kF8E5M2:
      return visit(SmallFloat<uint8_t, 5, 2>{});
    case DType::kF8E4M3FNUZ:
      return visit(FnuzFloat<4, 3>{});
    case DType::kF8E5M2FNUZ:
      return visit(FnuzFloat<5, 2>{});
    case DType::kI64:
      return visit(Integer<int64_t>{});
    case DType::kI32:
      return visit(Integer<int32_t>{});
    case DType::kI16:
      return visit(Integer<int16_t>{});
    case DType::kI8:
      return visit(Integer<int8_t>{});
    case DType::kU64:
      return visit(Integer<uint64_t>{});
    case DType::kU32:
      return visit(Integer<uint32_t>{});
    case DType::kU16:
      return visit(Integer<uint16_t>{});
    default:
      return visit(Integer<uint8_t>{});
  }
}

template <typename To>
To word_to(DType dtype, uint64_t word) {
  return with_format(dtype, [word]<typename Format>(Format) {
    return Format::template value<To>(static_cast<typename Format::Word>(word));
  });
}

template <typename To>
void words_to(DType dtype, Bytes words, std::span<To> dst) {
  with_format(dtype, [&]<typename Format>(Format) {
    using Word = typename Format::Word;
    for (size_t i = 0; i < dst.size(); ++i) {
      dst[i] = Format::template value<To>(load_le<Word>(words.data() + i * sizeof(Word)));
    }
  });
}

template <DType kDType>
void to_floats(const uint8_t* words, size_t n, float* dst) {
  words_to<float>(kDType, {words, n * sizeof(uint16_t)}, {dst, n});
}

// Exponent and mantissa bits of a float dtype.
struct Layout {
  int exponent_bits;
  int mantissa_bits;
};
Layout layout_of(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return {11, 52};
    case DType::kF32:
      return {8, 23};
    case DType::kF16:
      return {5, 10};
    case DType::kBF16:
      return {8, 7};
    case DType::kF8E4M3:
    case DType::kF8E4M3FNUZ:
      return {4, 3};
    default:
      return {5, 2};
  }
}

}  // namespace

const FloatKernels kScalarFloatKernels = {CpuSet::kScalar, to_floats<DType::kF16>,
                                          to_floats<DType::kBF16>};

namespace {
constexpr auto kFloatFamily = std::to_array<const FloatKernels*>({
  &kScalarFloatKernels,
#if defined(__x86_64__)
      &kAvx2FloatKernels,
#endif
});
}  // namespace

std::vector<const FloatKernels*> available_float_kernels() {
  return kernels_in<FloatKernels>(kFloatFamily, detected_cpu_sets());
}

float word_to_float(DType dtype, uint64_t word) {
  return word_to<float>(dtype, word);
}
double word_to_double(DType dtype, uint64_t word) {
  return word_to<double>(dtype, word);
}

void words_to_floats(DType dtype, Bytes words, std::span<float> dst) {
  static const FloatKernels& kernels = best_kernels<FloatKernels>(kFloatFamily);
  if (dtype == DType::kF16) return kernels.f16(words.data(), dst.size(), dst.data());
  if (dtype == DType::kBF16) return kernels.bf16(words.data(), dst.size(), dst.data());
  words_to<float>(dtype, words, dst);
}
void words_to_doubles(DType dtype, Bytes words, std::span<double> dst) {
  words_to<double>(dtype, words, dst);
}

uint64_t double_to_word(DType dtype, double value) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  if (dtype == DType::kF64) return bits;
  const auto [exponent_bits, mantissa_bits] = layout_of(dtype);
  const uint64_t sign = (bits >> 63) << (exponent_bits + mantissa_bits);
  const uint64_t exponent_ones = ((uint64_t{1} << exponent_bits) - 1) << mantissa_bits;
  const uint64_t quiet = uint64_t{1} << (mantissa_bits - 1);
  const bool fnuz = is_fnuz(dtype);
  const bool has_inf = dtype != DType::kF8E4M3 && !fnuz;
  // First word beyond the finite ones; f8e4m3 has one word there, its NaN, and so have the formats
  // without -0, whose NaN has no sign.
  const uint64_t one_nan = fnuz ? kFnuzNan : 0x7F;
  const uint64_t overflow = has_inf ? exponent_ones : one_nan;
  const uint64_t nan = has_inf ? exponent_ones | quiet : one_nan;
  if (value != value) return fnuz ? nan : sign | nan;

  const uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
  const int exponent = static_cast<int>(bits >> 52 & 0x7FF) - 1023;
  // Exponent of the least normal number.
  const int least = (fnuz ? 1 : 2) - (1 << (exponent_bits - 1));
  const bool is_normal = exponent >= least;
  const int shift = 52 - mantissa_bits + (is_normal ? 0 : least - exponent);
  // Less than half of the least subnormal, doubles below 2^-1022 among them.
  if (shift > 53) return fnuz ? 0 : sign;
  const uint64_t significand = mantissa | uint64_t{1} << 52;
  const uint64_t half = uint64_t{1} << (shift - 1);
  uint64_t word = significand >> shift;
  const uint64_t rest = significand & (2 * half - 1);
  word += rest > half || (rest == half && word % 2 != 0);
  // The leading one adds 1 to the exponent field, and so does rounding up to the next power of two.
  if (is_normal) word += static_cast<uint64_t>(exponent - least) << mantissa_bits;
  if (fnuz && (word == 0 || word >= overflow)) return word == 0 ? 0 : nan;
  return sign | (word < overflow ? word : overflow);
}

}  // namespace dcf::impl
