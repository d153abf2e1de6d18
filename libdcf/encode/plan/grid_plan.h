// SPDX-License-Identifier: Apache-2.0
// What grid and trellis values (spec, section 8.4) of known scales cost.
#pragma once

#include <optional>

#include "encode/content/grid_scales.h"
#include "encode/content/work.h"
#include "encode/plan/value_plan.h"

namespace dcf::impl::encode {

struct GridPlan {
  ValuePlan values;
  GridScales scales;
};

// The plan for dense positions in so many chunks: trellis values where the words are, in rows of
// `cols` (0: in none). Nothing where a word is not on the grid, or is of a dtype without grids.
// Fails with LimitMemory, Cancelled, or as a store does.
Result<std::optional<GridPlan>> plan_grid(const Content& content, GridScales scales, uint64_t cols,
                                          uint64_t chunks, const Work& work);

}  // namespace dcf::impl::encode
