// SPDX-License-Identifier: Apache-2.0
// Delta values (spec, section 8.5): whether elements are better coded as differences to earlier
// ones, at which distances, and which of them is best for each row or column. The choice is made in
// whole numbers, so that it is the same on every machine.
#pragma once

#include <optional>
#include <vector>

#include "encode/content/content.h"
#include "encode/content/grid.h"
#include "encode/content/work.h"
#include "encode/plan/stream_plan.h"

namespace dcf::impl::encode {

struct DeltaPlan {
  format::Encoding encoding;  // of values and classes
  Grid grid;
  std::vector<uint8_t> predictors;  // of each unit
  StreamPlan predictor_stream;      // in the tables section
  std::vector<uint8_t> class_map;   // with classes: of each unit
  StreamPlan map_stream;            // of the class map
  std::vector<StreamPlan> streams;  // of the differences, or of those of each class
  uint64_t bytes = 0;               // streams, tables, maps and parameters
};

// The best delta values of a tensor whose best other values take `other` bytes. Nothing where it
// has codes, very few elements or more than 2^27, or where a sample shows too small a saving.
// The transposed view is tried for integers and, with `smallest`, for floats; for pieces it is then
// kept in the content. `smallest`: larger samples, and whatever saves anything. Fails with
// LimitMemory, Cancelled, or as a store does.
Result<std::optional<DeltaPlan>> plan_delta(const std::vector<uint64_t>& dims, uint64_t other,
                                            bool smallest, const Work& work, Content* content);

}  // namespace dcf::impl::encode
