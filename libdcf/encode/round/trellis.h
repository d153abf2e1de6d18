// SPDX-License-Identifier: Apache-2.0
// The integers of trellis values (spec, section 8.4): those of a row that are nearest to its
// weights, and the numbers that stand for them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "encode/content/grid_scales.h"
#include "encode/round/trellis_kernels.h"

namespace dcf::impl::encode {

// The mean square of the errors of an element, in steps, where rows are long; and beside that of a
// grid of twice the step, whose numbers are of the same size: 0.98 dB less.
inline constexpr double kTrellisError = 0.266;
inline constexpr double kTrellisGain = kTrellisError / (4.0 / 12);

// Three elements from `first` on that move at once.
struct TrellisMove {
  float cost;  // squares of errors for each step that the sum gains
  uint32_t first;
  friend bool operator<(const TrellisMove& a, const TrellisMove& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.first < b.first;
  }
};

// Finds the integers of a row by the algorithm of A. Viterbi (IEEE Transactions on Information
// Theory 13, 1967). For rows of all sizes, one after the other.
class TrellisSearch {
 public:
  // Bytes that the search in a row of so many elements takes.
  static constexpr uint64_t row_bytes(uint64_t cols) {
    return kRows * blocks_of(cols) * sizeof(TrellisWays) + cols * (1 + sizeof(TrellisMove)) + 2;
  }

  // Sets `integers`, as many as steps, for each of so many rows to the row of trellis values for
  // which the sum of weight * (step - integer)^2 is least. A step of 0 has the integer 0. |steps|
  // are below kMostSteps; weights, as many, are 0 to 1. Two rows take little more time than one.
  void nearest(std::span<const float> steps, std::span<const float> weights, size_t rows,
               int32_t* integers);
  static constexpr float kMostSteps = 1 << 22;

  // Moves a few integers, such that they stay trellis values and their sum is within half a step of
  // that of the row. Where rows are too short for that it may stay farther off.
  void keep_sum(std::span<const float> steps, int32_t* integers);

 private:
  static constexpr size_t kRows = 2;  // that are searched at once
  static constexpr size_t blocks_of(size_t n) { return (n + kTrellisBlock - 1) / kTrellisBlock; }

  void set_row(const TrellisRow& row, size_t n, int32_t* integers);

  std::vector<TrellisWays> ways_;
  std::vector<uint8_t> offsets_;
  std::vector<TrellisMove> moves_;
};

// Whether the integers of a grid are trellis values: the row begins with the first of them.
// `numbers` as grid_numbers() has them.
bool are_trellis_values(std::span<const uint32_t> row);

// The numbers of a grid become those of trellis values.
void to_trellis_numbers(std::span<uint32_t> numbers);

}  // namespace dcf::impl::encode
