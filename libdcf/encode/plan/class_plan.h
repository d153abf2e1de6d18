// SPDX-License-Identifier: Apache-2.0
// Classes of rows or columns (spec, section 7.6): units of a tensor whose values are alike share a
// Huffman code of their own, and the number of zero bits that they end in (8.2). The classes are
// found by k-means with code lengths as the distance (P. Chou, T. Lookabaugh, R. Gray,
// "Entropy-constrained vector quantization", IEEE Trans. ASSP 37, 1989), in whole numbers, so that
// they are the same on every machine.
#pragma once

#include <optional>
#include <vector>

#include "encode/content/class_map.h"
#include "encode/content/grid_scales.h"
#include "encode/content/work.h"
#include "encode/plan/value_plan.h"

namespace dcf::impl::encode {

struct ClassPlan {
  format::Encoding encoding;        // of values and classes
  std::vector<uint8_t> map;         // the class of each unit
  StreamPlan map_stream;            // of the map, in the tables section
  std::vector<StreamPlan> streams;  // of each class
  uint64_t bytes = 0;               // streams, tables, map and parameters
};

// The axes along which units may be alike: rows of a split of the dims, columns, and what lies
// between two splits.
std::vector<ClassAxis> class_axes(const std::vector<uint64_t>& dims);

// The best classes for values that a plan without classes stores as split, int or grid; its chunks
// are `chunks`. `scales`: those of grid values. For delta values the content is their symbols as
// bytes: of i8 if they are differences themselves, of u8 if they rise with these. Nothing where a
// sample shows that no axis saves enough. `smallest`: more axes are tried. Fails with LimitMemory,
// Cancelled, or as a store does.
Result<std::optional<ClassPlan>> plan_classes(const Content& content,
                                              const std::vector<uint64_t>& dims,
                                              const ValuePlan& plain, const GridScales& scales,
                                              uint64_t chunks, bool smallest, const Work& work);

}  // namespace dcf::impl::encode
