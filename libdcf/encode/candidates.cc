// SPDX-License-Identifier: Apache-2.0
#include "encode/candidates.h"

#include "base/checked.h"
#include "encode/piece_transpose.h"

namespace dcf::impl {
namespace {

// Approximate packed bytes of a chunk, a table number and a view in the manifest.
constexpr uint64_t kChunkBytes = 14;
constexpr uint64_t kTableBytes = 1;
constexpr uint64_t kViewBytes = 4;

// Whether a position plan is worth combining with the values, where `best` is the least cost of a
// plan. Gaps of different widths have different fillers, so the best plan alone need not be the
// best one together with the values.
bool is_promising(uint64_t cost, uint64_t best) {
  return cost <= best + best / 4 + 64;
}

}  // namespace

Recipe raw_recipe(const Content& content, const std::vector<uint64_t>& dims) {
  Recipe recipe;
  if (content.elements > 0) recipe.grid = dense_grid(dims, content.elements, content.bits, true);
  return recipe;
}

Result<CandidateSource> CandidateSource::create(Lowered& lowered, const std::vector<uint64_t>& dims,
                                                const EncodeOptions& options, const Work& work) {
  DCF_ASSIGN(ValueStats values, measure_values(lowered.content, work));
  return of_values(lowered, dims, options, work, std::move(values));
}

Result<std::vector<Candidate>> CandidateSource::list(Positions positions) {
  std::vector<Candidate> candidates;
  if (positions == Positions::kDense) {
    if (lowered_.dense_allowed) candidates = list_dense();
  } else if (lowered_.sparse_allowed &&
             (options_.positions || values_.zeros + values_.negative_zeros > 0)) {
    DCF_ASSIGN(candidates, list_sparse(positions));
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    return a.weight(a.estimate) < b.weight(b.estimate);
  });
  return candidates;
}

std::vector<Candidate> CandidateSource::list_dense() {
  std::vector<Candidate> candidates;
  Candidate raw{&lowered_, raw_recipe(content_, dims_)};
  raw.estimate = content_.elements * content_.width() + raw.recipe.grid.chunks * kChunkBytes;
  candidates.push_back(std::move(raw));
  const Grid grid = dense_grid(dims_, content_.elements, content_.bits, false);
  const ExtraValues extra{values_.zeros, values_.negative_zeros};
  for (const ValuePlan& plan :
       plan_values(content_, values_, Positions::kDense, extra, grid.chunks)) {
    add(nullptr, plan, grid, &candidates);
  }
  return candidates;
}

Result<std::vector<Candidate>> CandidateSource::list_sparse(Positions positions) {
  DCF_TRY(measure_views());
  // A filler costs a code as well, two bits or more.
  const auto cost = [](const PositionPlan& plan) { return plan.bytes + plan.fillers / 4; };
  std::vector<PositionPlan> plans;
  uint64_t least = UINT64_MAX;
  for (const PositionStats& view : views_) {
    std::vector<PositionPlan> of_view = plan_positions(view, positions, options_.gap_bits, signs_);
    // Bucket codes have no fillers: the best plan alone is the best one with values too.
    if (positions == Positions::kGapBucket) {
      const auto best =
          std::min_element(of_view.begin(), of_view.end(),
                           [](const auto& x, const auto& y) { return x.bytes < y.bytes; });
      of_view = {*best};
    }
    for (PositionPlan& plan : of_view) {
      least = std::min(least, cost(plan));
      plans.push_back(plan);
    }
  }
  std::vector<Candidate> candidates;
  for (const PositionPlan& plan : plans) {
    if (!is_promising(cost(plan), least)) continue;
    const uint64_t chunks = std::max<uint64_t>(1, plan.stats->used_chunks);
    for (const ValuePlan& value :
         plan_values(content_, values_, positions, {plan.fillers, 0}, chunks)) {
      add(&plan, value, plan.stats->grid, &candidates);
    }
  }
  return candidates;
}

Status CandidateSource::measure_views() {
  if (!views_.empty()) return ok_status();
  const bool small = options_.gap_bits != 0;
  const StoredCounts stored{values_.entries, values_.negative_zeros};
  for (const Grid& grid : sparse_grids(dims_, content_.elements, values_.entries, small)) {
    if (grid.view.transposed) {
      if (stored.entries + stored.negatives > kMaxTransposed) continue;
      if (content_.pieces != nullptr) {
        DCF_TRY(transpose_pieces(grid.view.cols, work_.memory, work_.progress, &lowered_.content));
      }
    }
    DCF_ASSIGN(std::optional<PositionStats> stats,
               measure_positions(content_, grid, stored, work_));
    if (stats) views_.push_back(std::move(*stats));
  }
  return ok_status();
}

void CandidateSource::add(const PositionPlan* position, const ValuePlan& value, const Grid& grid,
                          std::vector<Candidate>* out) const {
  Candidate candidate{&lowered_, {}};
  Recipe& recipe = candidate.recipe;
  recipe.encoding = value.encoding;
  recipe.grid = grid;
  recipe.codebook = value.codebook;
  candidate.estimate = value.bytes;
  if (position != nullptr) {
    candidate.most = {position->stats->most_entries[position->encoding.gap_bits],
                      values_.negative_zeros};
  }
  if (position != nullptr) {
    const Encoding& e = position->encoding;
    recipe.encoding.positions = e.positions;
    recipe.encoding.gap_bits = e.gap_bits;
    recipe.encoding.bucket_t = e.bucket_t;
    recipe.encoding.bucket_s = e.bucket_s;
    recipe.encoding.signs = e.signs;
    candidate.estimate += position->bytes;
    candidate.default_view =
        !grid.view.transposed && grid.view.cols == default_view_cols(dims_, content_.elements);
    candidate.estimate += candidate.default_view ? 0 : kViewBytes;
  }
  candidate.estimate += grid.chunks * kChunkBytes;
  const Roles roles = roles_of(recipe.encoding, content_.dtype);
  for (size_t k = 0; k < roles.count; ++k) {
    switch (roles.list[k].role) {
      case Role::kValues:
        recipe.codes[k] = value.stream.code;
        break;
      case Role::kCounts:
        recipe.codes[k] = position->counts.code;
        break;
      case Role::kSigns:
        recipe.codes[k] = position->signs.code;
        break;
      case Role::kBitmap:
      case Role::kGaps:
        recipe.codes[k] = position->main.code;
        break;
    }
    candidate.estimate += recipe.codes[k] ? kTableBytes : 0;
  }
  out->push_back(std::move(candidate));
}

}  // namespace dcf::impl
