// SPDX-License-Identifier: Apache-2.0
#include "encode/round/trellis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/bucket.h"
#include "encode/content/delta_words.h"

namespace dcf::impl::encode {
namespace {

constexpr uint32_t kNegativeZero = 1;  // of a grid; trellis values have none

// The numbers of an element with one offset and one parity of k give integers of one coset, alike
// modulo 4: coset 2 * (k mod 2) + offset.
// The integer of a coset that is nearest.
inline float nearest_of(float steps, float coset) {
  const float quarter = (steps - coset) * 0.25F;
  return (quarter + kTrellisRounding - kTrellisRounding) * 4 + coset;
}

int32_t signed_integer(uint32_t number) {
  const auto magnitude = static_cast<int32_t>(number >> 1);
  return (number & 1) != 0 ? -magnitude : magnitude;
}

// Of three integers in a row the outer two may move by two steps, which turns the parity of their
// k, if the offset of the middle one is turned: the states before and behind stay. These are the
// shortest moves; one of four steps of one element costs more.
class SumKeeper {
 public:
  SumKeeper(std::span<const float> steps, int32_t* integers, std::vector<TrellisMove>* moves)
      : steps_(steps), integers_(integers), moves_(*moves) {
    for (size_t i = 0; i < steps.size(); ++i) missing_ += above(i);
  }

  void run() {
    if (steps_.size() < kMoved) return;
    if (std::abs(missing_) >= kMoved)
      take([](float sign) { return std::pair{2 * sign, 2 * sign}; });
    if (std::abs(missing_) <= kEnough) return;
    take([](float) { return std::pair{2.0F, -2.0F}; });
    take([](float) { return std::pair{-2.0F, 2.0F}; });
  }

 private:
  static constexpr size_t kMoved = 3;
  static constexpr double kEnough = 0.5;

  float above(size_t i) const { return steps_[i] - static_cast<float>(integers_[i]); }
  float middle(size_t i) const { return (integers_[i] & 1) == 0 ? 1.0F : -1.0F; }

  // Makes the cheapest moves of one kind that bring the sum nearer; those that overlap one that was
  // made, or touch a zero, are left out. `ends`: of the two outer elements, from the sign of what
  // is missing.
  template <typename Ends>
  void take(Ends ends) {
    const float sign = missing_ < 0 ? -1 : 1;
    const auto [first, last] = ends(sign);
    moves_.clear();
    for (size_t i = 0; i + kMoved <= steps_.size(); ++i) {
      const float turned = middle(i + 1);
      const float gain = (first + turned + last) * sign;
      if (gain < 0 || steps_[i] == 0 || steps_[i + 1] == 0 || steps_[i + 2] == 0) continue;
      const float closer = first * above(i) + turned * above(i + 1) + last * above(i + 2);
      const float cost = first * first + 1 + last * last - 2 * closer;
      moves_.push_back({cost / gain, static_cast<uint32_t>(i)});
    }
    const auto few = std::min(moves_.size(), static_cast<size_t>(3 * std::abs(missing_)) + 8);
    std::partial_sort(moves_.begin(), moves_.begin() + static_cast<ptrdiff_t>(few), moves_.end());
    for (const TrellisMove& move : std::span(moves_).first(few)) {
      if (std::abs(missing_) <= kEnough) return;
      const float turned = middle(move.first + 1);
      const float gain = first + turned + last;
      if (std::abs(missing_ - gain) >= std::abs(missing_) || overlaps(move.first)) continue;
      int32_t* const at = integers_ + move.first;
      at[0] += static_cast<int32_t>(first);
      at[1] += static_cast<int32_t>(turned);
      at[2] += static_cast<int32_t>(last);
      missing_ -= gain;
      made_.push_back(move.first);
    }
  }

  bool overlaps(uint32_t first) const {
    return std::any_of(made_.begin(), made_.end(), [&](uint32_t other) {
      return std::max(other, first) - std::min(other, first) < kMoved;
    });
  }

  const std::span<const float> steps_;
  int32_t* const integers_;
  std::vector<TrellisMove>& moves_;
  double missing_ = 0;  // of the sum of the integers
  std::vector<uint32_t> made_;
};

}  // namespace

void TrellisSearch::nearest(std::span<const float> steps, std::span<const float> weights,
                            size_t rows, int32_t* integers) {
  const size_t n = steps.size() / rows;
  const size_t blocks = blocks_of(n);
  ways_.resize(std::max(ways_.size(), kRows * blocks));
  offsets_.resize(std::max(offsets_.size(), n + 2));
  for (size_t row = 0; row < rows; row += kRows) {
    const size_t second = row + 1 < rows ? 1 : 0;  // the first one again, if it is alone
    const auto at = [&](size_t k) {
      const size_t begin = (row + k) * n;
      return TrellisRow{steps.data() + begin, weights.data() + begin, ways_.data() + k * blocks, 0};
    };
    std::array<TrellisRow, kRows> pair = {at(0), at(second)};
    active_trellis_kernels().search(pair.data(), n);
    for (size_t k = 0; k <= second; ++k) set_row(pair[k], n, integers + (row + k) * n);
  }
}

void TrellisSearch::set_row(const TrellisRow& row, size_t n, int32_t* integers) {
  // That of element i is offsets[i + 1]. The state after element i has those of i and i + 1.
  uint8_t* const offsets = offsets_.data();
  size_t state = row.state;
  offsets[n] = static_cast<uint8_t>(state >> 1);
  offsets[n + 1] = static_cast<uint8_t>(state & 1);
  size_t end = n;
  for (size_t block = blocks_of(n); block-- > 0;) {
    uint32_t way = row.ways[block][state];
    const size_t begin = block * kTrellisBlock;
    for (; end > begin; way >>= 1) offsets[--end] = way & 1;
    state = size_t{2} * offsets[begin] + offsets[begin + 1];
  }
  for (size_t i = 0; i < n; ++i) {
    const int parity = offsets[i] ^ offsets[i + 2];
    const auto coset = static_cast<float>(2 * parity + offsets[i + 1]);
    integers[i] = static_cast<int32_t>(nearest_of(row.steps[i], coset));
  }
}

void TrellisSearch::keep_sum(std::span<const float> steps, int32_t* integers) {
  SumKeeper(steps, integers, &moves_).run();
}

bool are_trellis_values(std::span<const uint32_t> row) {
  // The offset of an integer, and the parity of its k.
  const auto offset = [](uint32_t number) { return number >> 1 & 1; };
  const auto parity = [](uint32_t number) { return (number >> 2 ^ (number & number >> 1)) & 1; };
  uint32_t off = 0;
  for (const uint32_t number : row) {
    off |= number >> (kTrellisBits + 1) | static_cast<uint32_t>(number == kNegativeZero);
  }
  if (!row.empty()) off |= offset(row[0]);
  if (row.size() > 1) off |= offset(row[1]) ^ parity(row[0]);
  for (size_t i = 2; i < row.size(); ++i) {
    off |= offset(row[i]) ^ parity(row[i - 1]) ^ offset(row[i - 2]);
  }
  return off == 0;
}

void to_trellis_numbers(std::span<uint32_t> numbers) {
  for (uint32_t& number : numbers) {
    number = zigzag_of(static_cast<uint32_t>(signed_integer(number) >> 1));
  }
}

}  // namespace dcf::impl::encode
