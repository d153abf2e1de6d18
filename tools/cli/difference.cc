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

// The sums over all elements that are finite on both sides.
class Sums {
 public:
  void add(double a, double b, double error) {
    max_error_ = std::max(max_error_, error);
    signal_ += a * a;
    other_ += b * b;
    product_ += a * b;
    noise_ += error * error;
  }
  // One side only is NaN or infinite, or they are so in different ways.
  void add_incomparable() { comparable_ = false; }

  void store(Difference* d) const {
    d->max_error = comparable_ ? max_error_ : kNan;
    if (!comparable_ || (noise_ > 0 && signal_ == 0)) {
      d->sqnr_db = comparable_ ? -kInfinity : kNan;
    } else {
      d->sqnr_db = noise_ > 0 ? 10 * std::log10(signal_ / noise_) : kInfinity;
    }
    const double norms = std::sqrt(signal_) * std::sqrt(other_);
    d->cosine = comparable_ && norms > 0 ? product_ / norms : kNan;
  }

 private:
  bool comparable_ = true;
  double max_error_ = 0;
  double signal_ = 0;
  double other_ = 0;
  double product_ = 0;
  double noise_ = 0;
};

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

template <typename Word, typename ValueOf>
void compare(std::span<const uint8_t> a, std::span<const uint8_t> b, const ValueOf& value_of,
             Difference* d) {
  Sums sums;
  for (size_t i = 0; i < a.size(); i += sizeof(Word)) {
    const Word word_a = load_le<Word>(a.data() + i);
    const Word word_b = load_le<Word>(b.data() + i);
    const auto value_a = value_of(word_a);
    const auto value_b = value_of(word_b);
    const auto x = static_cast<double>(value_a);
    const auto y = static_cast<double>(value_b);
    // Comparing the values themselves makes equals of +0 and -0 and of nothing else.
    if (word_a != word_b && value_a != value_b) d->same_values = false;
    if (std::isfinite(x) && std::isfinite(y)) {
      sums.add(x, y, distance(value_a, value_b));
    } else if (word_a != word_b) {
      sums.add_incomparable();
    }
  }
  sums.store(d);
}

template <typename Value>
void compare_integers(std::span<const uint8_t> a, std::span<const uint8_t> b, Difference* d) {
  using Word = std::make_unsigned_t<Value>;
  compare<Word>(
      a, b, [](Word word) { return static_cast<Value>(word); }, d);
}

void compare_small_floats(std::span<const uint8_t> a, std::span<const uint8_t> b,
                          const FloatFormat& format, Difference* d) {
  const auto value_of = [&](uint32_t word) { return small_float(word, format); };
  if (format.mantissa_bits > 8) {
    compare<uint16_t>(a, b, value_of, d);
  } else {
    compare<uint8_t>(a, b, value_of, d);
  }
}

}  // namespace

Difference difference(const TensorMeta& meta, std::span<const uint8_t> a,
                      std::span<const uint8_t> b) {
  Difference d;
  d.sqnr_db = kInfinity;
  if (std::equal(a.begin(), a.end(), b.begin(), b.end())) return d;
  d.same_bytes = false;
  switch (meta.dtype) {
    case DCF_DTYPE_F64:
      compare<uint64_t>(a, b, std::bit_cast<double, uint64_t>, &d);
      break;
    case DCF_DTYPE_F32:
      compare<uint32_t>(
          a, b, [](uint32_t word) { return double{std::bit_cast<float>(word)}; }, &d);
      break;
    case DCF_DTYPE_BF16:
      compare<uint16_t>(
          a, b, [](uint32_t word) { return double{std::bit_cast<float>(word << 16)}; }, &d);
      break;
    case DCF_DTYPE_F16:
      compare_small_floats(a, b, kF16, &d);
      break;
    case DCF_DTYPE_F8E5M2:
      compare_small_floats(a, b, kF8E5M2, &d);
      break;
    case DCF_DTYPE_F8E4M3:
      compare_small_floats(a, b, kF8E4M3, &d);
      break;
    case DCF_DTYPE_F8E4M3FNUZ:
      compare_small_floats(a, b, kF8E4M3Fnuz, &d);
      break;
    case DCF_DTYPE_F8E5M2FNUZ:
      compare_small_floats(a, b, kF8E5M2Fnuz, &d);
      break;
    case DCF_DTYPE_I64:
      compare_integers<int64_t>(a, b, &d);
      break;
    case DCF_DTYPE_I32:
      compare_integers<int32_t>(a, b, &d);
      break;
    case DCF_DTYPE_I16:
      compare_integers<int16_t>(a, b, &d);
      break;
    case DCF_DTYPE_I8:
      compare_integers<int8_t>(a, b, &d);
      break;
    case DCF_DTYPE_U64:
      compare_integers<uint64_t>(a, b, &d);
      break;
    case DCF_DTYPE_U32:
      compare_integers<uint32_t>(a, b, &d);
      break;
    case DCF_DTYPE_U16:
      compare_integers<uint16_t>(a, b, &d);
      break;
    case DCF_DTYPE_U8:
    case DCF_DTYPE_BOOL:
      compare_integers<uint8_t>(a, b, &d);
      break;
    default:
      d.same_values = false;
      d.max_error = d.sqnr_db = d.cosine = kNan;
  }
  return d;
}

}  // namespace dcf::tools
