// SPDX-License-Identifier: Apache-2.0
// How elements of a tensor may be predicted, and a sample that shows what the distances save.
#pragma once

#include <array>
#include <vector>

#include "encode/content/class_map.h"
#include "encode/content/content.h"

namespace dcf::impl::encode {

// A view with rows in which distances are counted, and the units that choose among them.
struct DeltaLayout {
  format::View view;
  ClassAxis units;
  std::vector<uint32_t> distances;  // to try
  std::vector<uint64_t> dims;       // of the elements in the order of the view
};

// The layouts that may pay: rows of the flattened tensor that are as long as a chunk, in which a
// distance of whole rows of the tensor reaches the row before; and, if `transposed`, the columns of
// the matrix, in which it reaches any row.
std::vector<DeltaLayout> delta_layouts(const std::vector<uint64_t>& dims, uint64_t elements,
                                       bool transposed);

// Costs of differences by their width, the bits of their numbers; in units of bit_costs.h.
inline constexpr size_t kDeltaWidths = 65;
using DeltaCosts = std::array<uint32_t, kDeltaWidths>;

// Some units, or some neighbours together, and some elements of each: the widths of their
// differences, by predictor.
struct DeltaSample {
  size_t units = 0;
  size_t of_unit = 0;
  std::vector<std::vector<uint8_t>> widths;  // without a distance, then with each

  uint64_t elements() const { return uint64_t{units} * of_unit; }
};
// Of about `elements` elements. Fails as a store does.
Result<DeltaSample> sample_deltas(const Content& content, const DeltaLayout& layout,
                                  uint64_t elements);

// The distances, at most kMaxDistances of the layout's, that save most when each unit takes the
// best of them or none; what the sample costs then; and the cost of each width.
struct DeltaChoice {
  std::vector<uint32_t> distances;
  uint64_t cost = UINT64_MAX;
  DeltaCosts costs{};
};
DeltaChoice choose_distances(const DeltaLayout& layout, const DeltaSample& sample);

}  // namespace dcf::impl::encode
