// SPDX-License-Identifier: Apache-2.0
#include "cli/difference.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "cli/element_values.h"
#include "formats/le_bytes.h"

namespace dcf::tools {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

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

void Comparison::add(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  if (!std::equal(a.begin(), a.end(), b.begin(), b.end())) same_bytes_ = false;
  has_values_ = with_value_type(
      dtype_, [&]<typename Word>(Word, auto value_of) { add_words<Word>(a, b, value_of); });
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
