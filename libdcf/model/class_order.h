// SPDX-License-Identifier: Apache-2.0
// The classes of the elements of a tensor (spec/dcf-format.md, section 7.6): which class each has,
// and how what is grouped by class returns to the order of the elements. Immutable.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "format/tensor.h"
#include "model/spread_kernels.h"

namespace dcf::impl::model {

class ClassOrder {
 public:
  // `map`: the class of each unit, below encoding.classes. It outlives this. `kernels` may be null.
  ClassOrder(const format::Encoding& encoding, Bytes map,
             const SpreadKernels* kernels = active_spread_kernels());

  using Counts = std::array<uint32_t, kMaxClasses>;
  // Elements of each class among [first, first + n) of the view.
  Counts count(uint64_t first, uint32_t n) const;
  // Puts the symbols of elements [first, first + n) in order, or their words: `out` and `grouped`
  // have `width` bytes, 1, 2, 4 or 8, for each. `grouped` holds those of class 0, then those of
  // class 1, and so on, each class in the order of the elements, then kSpreadSlack bytes of any
  // value.
  void spread(uint64_t first, size_t width, Bytes grouped, MutableBytes out) const;

  // Elements of a unit.
  uint64_t run() const { return run_; }
  // Calls f(elements before it, its elements, class) for each part of a unit in [first, first + n).
  template <typename F>
  void for_each_run(uint64_t first, uint64_t n, F f) const {
    uint64_t unit = first / run_ % map_.size();
    uint64_t length = run_ - first % run_;
    for (uint64_t done = 0; done < n; length = run_) {
      length = std::min(length, n - done);
      f(done, length, map_[unit]);
      done += length;
      unit = unit + 1 == map_.size() ? 0 : unit + 1;
    }
  }

  // The memory of a ClassOrder of this encoding.
  static uint64_t memory(const format::Encoding& encoding);

 private:
  uint64_t period() const { return run_ * map_.size(); }
  template <size_t kWidth>
  void spread_words(uint64_t first, Bytes grouped, MutableBytes out) const;

  uint64_t run_;
  Bytes map_;
  std::array<uint64_t, kMaxClasses> of_period_{};   // elements of each class in one period
  std::array<uint32_t, kMaxClasses + 1> starts_{};  // into units_
  std::vector<uint32_t> units_;                     // the units of class 0, of class 1, ...
  const SpreadKernels* kernels_;
  SpreadPlan columns_;  // where each unit is one element
};

}  // namespace dcf::impl::model
