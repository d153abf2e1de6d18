// SPDX-License-Identifier: Apache-2.0
// The classes of the elements of a tensor (spec, section 7.6) as a writer needs them. The decoder
// has code of its own.
#pragma once

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "format/tensor.h"

namespace dcf::impl::encode {

// Which elements form a unit: element e is one of unit e div run mod units.
struct ClassAxis {
  uint32_t run = 0;
  uint32_t units = 0;
  uint64_t period() const { return uint64_t{run} * units; }
  friend bool operator==(const ClassAxis&, const ClassAxis&) = default;
};

// Calls f(index from `first`, elements, unit) for each part of a unit in elements
// [first, first + n), in order.
template <typename F>
void for_each_unit(ClassAxis axis, uint64_t first, uint64_t n, F f) {
  uint64_t unit = first / axis.run % axis.units;
  uint64_t length = axis.run - first % axis.run;
  for (uint64_t done = 0; done < n; length = axis.run) {
    length = std::min(length, n - done);
    f(done, length, static_cast<uint32_t>(unit));
    done += length;
    unit = unit + 1 == axis.units ? 0 : unit + 1;
  }
}

// The symbols, or words, of each class in the order of the elements; each has `width` bytes.
// `first`: the first of the elements.
std::vector<std::vector<uint8_t>> group_by_class(const format::Encoding& encoding, Bytes class_map,
                                                 uint64_t first, Bytes symbols, size_t width);

}  // namespace dcf::impl::encode
