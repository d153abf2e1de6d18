// SPDX-License-Identifier: Apache-2.0
// The scales of elements one by one, for loops over elements of many units.
#pragma once

#include <span>
#include <vector>

#include "encode/content/grid_scales.h"

namespace dcf::impl::encode {

// Belongs to one thread. Borrows the scales.
class UnitScales {
 public:
  explicit UnitScales(const GridScales& grid) : grid_(grid) {}

  // Turns to the elements [first, first + n).
  void move_to(uint64_t first, size_t n) {
    const bool is_one = grid_.scales.size() == 1;
    const uint64_t place = is_one ? 0 : first % grid_.axis.period();
    if (n <= scales_.size() && place == place_) return;
    place_ = place;
    scales_.resize(n);
    inverses_.resize(n);
    const auto fill = [&](uint64_t at, uint64_t length, float scale) {
      std::fill_n(scales_.data() + at, length, scale);
      std::fill_n(inverses_.data() + at, length, scale == 0 ? 0 : 1 / scale);
    };
    if (is_one) return fill(0, n, grid_.scales[0]);
    for_each_unit(grid_.axis, first, n, [&](uint64_t at, uint64_t length, uint32_t unit) {
      fill(at, length, grid_.scales[unit]);
    });
  }

  // Of each of these elements; an inverse is 0 where the scale is.
  const float* scales() const { return scales_.data(); }
  const float* inverses() const { return inverses_.data(); }

 private:
  const GridScales& grid_;
  uint64_t place_ = 0;  // of the first one in a period
  std::vector<float> scales_;
  std::vector<float> inverses_;
};

}  // namespace dcf::impl::encode
