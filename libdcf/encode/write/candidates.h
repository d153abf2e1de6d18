// SPDX-License-Identifier: Apache-2.0
// Every encoding a tensor may have, with an estimate of its size (positions x values x views).
#pragma once

#include <vector>

#include "encode/content/work.h"
#include "encode/plan/grid_plan.h"
#include "encode/plan/lower.h"
#include "encode/plan/position_plan.h"
#include "encode/plan/value_plan.h"
#include "encode/write/chunk_encoder.h"

namespace dcf::impl::encode {

// Up to this size, candidates that are close by estimate are encoded to compare them.
inline constexpr uint64_t kTrialElements = uint64_t{1} << 20;
// The same where the smallest encoding is not asked for: tables weigh little in larger tensors, and
// the estimate of what weighs is exact.
inline constexpr uint64_t kQuickTrialElements = 4096;

// Whether ranges of a tensor may be encoded each by itself (encode/write/range_encoder.h). One that
// may has neither classes, delta values nor a dictionary, as they are found in the words of the
// whole tensor. It is on a grid only if each of its rows has a scale, as then any range shows that
// the tensor should stay whole. One that is rounded stays whole, because the whole decides on its
// scales.
constexpr bool may_be_cut(const EncodeOptions& options, uint64_t elements) {
  if (options.sqnr_db > 0) return false;
  switch (options.effort) {
    case Effort::kNormal:
      return elements > uint64_t{1} << 25;
    case Effort::kSmallest:
      return elements > uint64_t{1} << 27;
    case Effort::kFast:
      return elements > uint64_t{1} << 20;
  }
  return false;
}

struct Candidate {
  const Lowered* source = nullptr;
  Recipe recipe;
  uint64_t estimate = 0;  // bytes of the file, without those that all candidates share
  bool default_view = true;
  bool smallest = false;  // whatever it costs to decode
  StoredCounts most{};    // sparse positions: the most of a chunk, fillers included

  // The weight of `bytes` among candidates of the same positions and gap width. A view other than
  // the default must save 1/256, because callers decode and multiply rows of the tensor; classes,
  // dictionaries and delta values must save 1/100, because they are slower to decode.
  uint64_t weight(uint64_t bytes) const {
    if (recipe.encoding.is_slow_to_decode() && !smallest) return bytes + bytes / 100;
    return default_view ? bytes : bytes + bytes / 256;
  }
};

// The candidates of one lowered tensor of dtypes 1..15 that has elements. A view is measured once,
// when first needed. The transposed view of a tensor in pieces is then made and kept in the tensor.
// Belongs to one thread at a time.
class CandidateSource {
 public:
  // Measures the values, but not those of a tensor that was rounded to scales and has few zeros: no
  // encoding without the scales comes near. Like list(): LimitMemory, Cancelled, or the failure of
  // a store.
  static Result<CandidateSource> create(Lowered& lowered, const std::vector<uint64_t>& dims,
                                        const EncodeOptions& options, const Work& work);

  // The same with values that were measured before.
  static CandidateSource of_values(Lowered& lowered, const std::vector<uint64_t>& dims,
                                   const EncodeOptions& options, const Work& work,
                                   ValueStats values) {
    return {lowered, dims, options, work, std::move(values)};
  }

  // Whether sparse positions may pay beside the best dense candidate of `dense` bytes. No, if the
  // values alone save too little.
  bool may_be_sparse(uint64_t dense) const;
  // The same by a sample of the positions of a large tensor, unless the smallest encoding is asked
  // for. Fails as list() does.
  Result<bool> seems_sparse(uint64_t dense);

  // The candidates with these positions, the lightest first; of equal ones the lower encoding and
  // the earlier view first. None if the positions are not allowed or cannot pay: sparse ones that
  // were not asked for, when there is no element to skip.
  Result<std::vector<Candidate>> list(format::Positions positions);

 private:
  CandidateSource(Lowered& lowered, const std::vector<uint64_t>& dims, const EncodeOptions& options,
                  const Work& work, ValueStats values)
      : lowered_(lowered),
        content_(lowered.content),
        dims_(dims),
        options_(options),
        work_(work),
        values_(std::move(values)),
        signs_(values_.negative_zeros > 0) {}

  Result<std::vector<Candidate>> list_dense();
  Result<std::optional<GridPlan>> plan_on_grid(uint64_t chunks) const;
  Status add_delta(std::vector<Candidate>* out);
  Status add_classes(const ValuePlan& plain, const GridScales& scales,
                     std::vector<Candidate>* out) const;
  Status add_dictionary(const Grid& grid, std::vector<Candidate>* out) const;
  Result<std::vector<Candidate>> list_sparse(format::Positions positions);
  void add(const PositionPlan* position, const ValuePlan& value, const Grid& grid,
           std::vector<Candidate>* out) const;
  Status measure_views();
  Result<std::optional<PositionStats>> measure(const Grid& grid, uint64_t step);
  bool smallest() const { return options_.effort == Effort::kSmallest; }
  uint64_t least_values() const;
  uint64_t margin(uint64_t dense) const;

  Lowered& lowered_;
  const Content& content_;
  const std::vector<uint64_t>& dims_;
  const EncodeOptions& options_;
  const Work& work_;
  ValueStats values_;
  bool signs_;
  std::vector<PositionStats> views_;
};

// {dense, raw}: the only encoding of other dtypes.
Recipe raw_recipe(const Content& content, const std::vector<uint64_t>& dims);

}  // namespace dcf::impl::encode
