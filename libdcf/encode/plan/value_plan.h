// SPDX-License-Identifier: Apache-2.0
// The ways to store the values of a tensor (spec, section 8), and the size of each: one set of
// statistics gives the sizes for all positions.
#pragma once

#include <vector>

#include "encode/plan/stream_plan.h"
#include "encode/plan/value_stats.h"

namespace dcf::impl::encode {

// Elements that are coded besides the entries.
struct ExtraValues {
  uint64_t zeros = 0;      // elements or fillers
  uint64_t negatives = 0;  // elements that are -0
};

struct ValuePlan {
  format::Encoding encoding;  // the fields of the values
  std::vector<uint64_t> codebook;
  StreamPlan stream;
  uint64_t bytes = 0;  // streams, table, codebook and parameters
};

// One plan for each encoding that the dtype and the values allow, except raw, in order of the ids;
// several for split. `chunks`: the number of chunks with entries.
std::vector<ValuePlan> plan_values(const Content& content, const ValueStats& stats,
                                   format::Positions positions, ExtraValues extra, uint64_t chunks);

}  // namespace dcf::impl::encode
