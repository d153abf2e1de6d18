// SPDX-License-Identifier: Apache-2.0
// What the elements of a tensor are as numbers.
#pragma once

#include <dcf/dcf.h>

#include <bit>
#include <cstdint>
#include <type_traits>

namespace dcf::tools {

enum class Special {
  kTopExponent,  // the top exponent is infinity and NaN
  kAllOnesNan,   // all ones is NaN, there is no infinity
  kNoMinusZero,  // the word of -0 is NaN, there is no infinity, and the bias is greater by one
};
struct FloatFormat {
  int exponent_bits;
  int mantissa_bits;
  Special special;
};
inline constexpr FloatFormat kF16{5, 10, Special::kTopExponent};
inline constexpr FloatFormat kF8E5M2{5, 2, Special::kTopExponent};
inline constexpr FloatFormat kF8E4M3{4, 3, Special::kAllOnesNan};
inline constexpr FloatFormat kF8E4M3Fnuz{4, 3, Special::kNoMinusZero};
inline constexpr FloatFormat kF8E5M2Fnuz{5, 2, Special::kNoMinusZero};

// The value of a float of at most 16 bits.
double small_float(uint32_t word, const FloatFormat& format);

// Calls use(Word{}, value_of), where an element of the dtype is a little-endian Word and value_of
// takes one to its value: a double, or for integers an integer. False, without a call, for dtypes
// that are only ever stored as they are, whose elements have no value here.
template <typename Use>
bool with_value_type(dcf_dtype dtype, Use use) {
  const auto integers = [&]<typename Value>(Value) {
    using Word = std::make_unsigned_t<Value>;
    use(Word{}, [](Word word) { return static_cast<Value>(word); });
    return true;
  };
  const auto floats = [&]<typename Word>(Word, const FloatFormat& format) {
    use(Word{}, [&format](Word word) { return small_float(word, format); });
    return true;
  };
  switch (dtype) {
    case DCF_DTYPE_F64:
      use(uint64_t{}, [](uint64_t word) { return std::bit_cast<double>(word); });
      return true;
    case DCF_DTYPE_F32:
      use(uint32_t{}, [](uint32_t word) { return double{std::bit_cast<float>(word)}; });
      return true;
    case DCF_DTYPE_BF16:
      use(uint16_t{}, [](uint32_t word) { return double{std::bit_cast<float>(word << 16)}; });
      return true;
    case DCF_DTYPE_F16:
      return floats(uint16_t{}, kF16);
    case DCF_DTYPE_F8E5M2:
      return floats(uint8_t{}, kF8E5M2);
    case DCF_DTYPE_F8E4M3:
      return floats(uint8_t{}, kF8E4M3);
    case DCF_DTYPE_F8E4M3FNUZ:
      return floats(uint8_t{}, kF8E4M3Fnuz);
    case DCF_DTYPE_F8E5M2FNUZ:
      return floats(uint8_t{}, kF8E5M2Fnuz);
    case DCF_DTYPE_I64:
      return integers(int64_t{});
    case DCF_DTYPE_I32:
      return integers(int32_t{});
    case DCF_DTYPE_I16:
      return integers(int16_t{});
    case DCF_DTYPE_I8:
      return integers(int8_t{});
    case DCF_DTYPE_U64:
      return integers(uint64_t{});
    case DCF_DTYPE_U32:
      return integers(uint32_t{});
    case DCF_DTYPE_U16:
      return integers(uint16_t{});
    case DCF_DTYPE_U8:
    case DCF_DTYPE_BOOL:
      return integers(uint8_t{});
    default:
      return false;
  }
}

}  // namespace dcf::tools
