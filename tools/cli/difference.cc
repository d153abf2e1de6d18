// SPDX-License-Identifier: Apache-2.0
#include "cli/difference.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "formats/le_bytes.h"

namespace dcf::tools {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

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
constexpr FloatFormat kF16{5, 10, Special::kTopExponent};
constexpr FloatFormat kF8E5M2{5, 2, Special::kTopExponent};
constexpr FloatFormat kF8E4M3{4, 3, Special::kAllOnesNan};
constexpr FloatFormat kF8E4M3Fnuz{4, 3, Special::kNoMinusZero};
constexpr FloatFormat kF8E5M2Fnuz{5, 2, Special::kNoMinusZero};

double small_float(uint32_t word, const FloatFormat& format) {
  const uint32_t fraction = word & ((1u << format.mantissa_bits) - 1);
  const uint32_t top = (1u << format.exponent_bits) - 1;
  const uint32_t exponent = (word >> format.mantissa_bits) & top;
  const uint32_t all_ones = (1u << format.mantissa_bits) - 1;
  const bool negative = (word >> (format.exponent_bits + format.mantissa_bits)) != 0;
  const double sign = negative ? -1 : 1;
  const bool fnuz = format.special == Special::kNoMinusZero;
  if (exponent == top && format.special == Special::kTopExponent) {
    return fraction == 0 ? sign * kInfinity : kNan;
  }
  if (exponent == top && fraction == all_ones && !fnuz) return kNan;
  if (fnuz && negative && exponent == 0 && fraction == 0) return kNan;
  const uint32_t significand = exponent == 0 ? fraction : fraction + all_ones + 1;
  const int bias = static_cast<int>(top >> 1) + (fnuz ? 1 : 0);
  const int scale = static_cast<int>(std::max(exponent, 1u)) - bias - format.mantissa_bits;
  return sign * std::ldexp(static_cast<double>(significand), scale);
}

// Integers are subtracted as such: a double cannot tell large neighbours apart.
template <typename Value>
double distance(Value a, Value b) {
  if constexpr (std::is_integral_v<Value>) {
    using Unsigned = std::make_unsigned_t<Value>;
    const auto [low, high] = std::minmax(a, b);
    return static_cast<double>(
        static_cast<Unsigned>(static_cast<Unsigned>(high) - static_cast<Unsigned>(low)));
  } else {
    return std::abs(a - b);
  }
}

}  // namespace

void Comparison::add_pair(double a, double b, double error) {
  max_error_ = std::max(max_error_, error);
  signal_ += a * a;
  other_ += b * b;
  product_ += a * b;
  noise_ += error * error;
}

template <typename Word, typename ValueOf>
void Comparison::add_words(std::span<const uint8_t> a, std::span<const uint8_t> b,
                           const ValueOf& value_of) {
  for (size_t i = 0; i < a.size(); i += sizeof(Word)) {
    const Word word_a = load_le<Word>(a.data() + i);
    const Word word_b = load_le<Word>(b.data() + i);
    const auto value_a = value_of(word_a);
    const auto value_b = value_of(word_b);
    const auto x = static_cast<double>(value_a);
    const auto y = static_cast<double>(value_b);
    // Comparing the values themselves makes equals of +0 and -0 and of nothing else.
    if (word_a != word_b && value_a != value_b) same_values_ = false;
    if (std::isfinite(x) && std::isfinite(y)) {
      add_pair(x, y, distance(value_a, value_b));
    } else if (word_a != word_b) {
      comparable_ = false;
    }
  }
}

template <typename Value>
void Comparison::add_integers(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  using Word = std::make_unsigned_t<Value>;
  add_words<Word>(a, b, [](Word word) { return static_cast<Value>(word); });
}

void Comparison::add(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  if (!std::equal(a.begin(), a.end(), b.begin(), b.end())) same_bytes_ = false;
  switch (dtype_) {
    case DCF_DTYPE_F64:
      add_words<uint64_t>(a, b, std::bit_cast<double, uint64_t>);
      break;
    case DCF_DTYPE_F32:
      add_words<uint32_t>(a, b, [](uint32_t word) { return double{std::bit_cast<float>(word)}; });
      break;
    case DCF_DTYPE_BF16:
      add_words<uint16_t>(a, b,
                          [](uint32_t word) { return double{std::bit_cast<float>(word << 16)}; });
      break;
    case DCF_DTYPE_F16:
      add_words<uint16_t>(a, b, [](uint32_t word) { return small_float(word, kF16); });
      break;
    case DCF_DTYPE_F8E5M2:
      add_words<uint8_t>(a, b, [](uint32_t word) { return small_float(word, kF8E5M2); });
      break;
    case DCF_DTYPE_F8E4M3:
      add_words<uint8_t>(a, b, [](uint32_t word) { return small_float(word, kF8E4M3); });
      break;
    case DCF_DTYPE_F8E4M3FNUZ:
      add_words<uint8_t>(a, b, [](uint32_t word) { return small_float(word, kF8E4M3Fnuz); });
      break;
    case DCF_DTYPE_F8E5M2FNUZ:
      add_words<uint8_t>(a, b, [](uint32_t word) { return small_float(word, kF8E5M2Fnuz); });
      break;
    case DCF_DTYPE_I64:
      add_integers<int64_t>(a, b);
      break;
    case DCF_DTYPE_I32:
      add_integers<int32_t>(a, b);
      break;
    case DCF_DTYPE_I16:
      add_integers<int16_t>(a, b);
      break;
    case DCF_DTYPE_I8:
      add_integers<int8_t>(a, b);
      break;
    case DCF_DTYPE_U64:
      add_integers<uint64_t>(a, b);
      break;
    case DCF_DTYPE_U32:
      add_integers<uint32_t>(a, b);
      break;
    case DCF_DTYPE_U16:
      add_integers<uint16_t>(a, b);
      break;
    case DCF_DTYPE_U8:
    case DCF_DTYPE_BOOL:
      add_integers<uint8_t>(a, b);
      break;
    default:
      has_values_ = false;
  }
}

Difference Comparison::result() const {
  Difference d;
  d.sqnr_db = kInfinity;
  if (same_bytes_) return d;
  d.same_bytes = false;
  d.same_values = same_values_ && has_values_;
  const bool comparable = comparable_ && has_values_;
  d.max_error = comparable ? max_error_ : kNan;
  if (!comparable || (noise_ > 0 && signal_ == 0)) {
    d.sqnr_db = comparable ? -kInfinity : kNan;
  } else {
    d.sqnr_db = noise_ > 0 ? 10 * std::log10(signal_ / noise_) : kInfinity;
  }
  const double norms = std::sqrt(signal_) * std::sqrt(other_);
  d.cosine = comparable && norms > 0 ? product_ / norms : kNan;
  return d;
}

}  // namespace dcf::tools
