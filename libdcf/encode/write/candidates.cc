// SPDX-License-Identifier: Apache-2.0
#include "encode/write/candidates.h"

#include "base/checked.h"
#include "encode/content/piece_transpose.h"
#include "encode/plan/class_plan.h"
#include "encode/plan/delta_plan.h"
#include "encode/plan/dictionary_plan.h"
#include "encode/plan/grid_finder.h"
#include "encode/plan/grid_plan.h"

namespace dcf::impl::encode {

using format::Positions;

namespace {

// Approximate packed bytes of a chunk, a table number and a view in the manifest.
constexpr uint64_t kChunkBytes = 14;
constexpr uint64_t kTableBytes = 1;
constexpr uint64_t kViewBytes = 4;

// Sparse positions must save this part of a tensor, unless the smallest encoding is asked for:
// dense ones decode faster, and in rows.
constexpr uint64_t kSparseGain = 128;

// The sample of the positions of a larger tensor: so many parts of it, of a sixteenth in all, or of
// so many elements where these are less.
constexpr uint64_t kSampledFrom = uint64_t{1} << 15;
constexpr uint64_t kSampledChunks = 16;
constexpr uint64_t kLeastSampleStep = 16;
constexpr uint64_t kSampledElements = uint64_t{1} << 14;

// Whether a position plan is worth combining with the values, where `best` is the least cost of a
// plan. Gaps of different widths have different fillers, so the best plan alone need not be the
// best one together with the values.
bool is_promising(uint64_t cost, uint64_t best) {
  return cost <= best + best / 4 + 64;
}

uint64_t least_of(const std::vector<Candidate>& candidates) {
  uint64_t least = UINT64_MAX;
  for (const Candidate& candidate : candidates) least = std::min(least, candidate.estimate);
  return least;
}

// Bytes of the tables of a plan, which do not grow with the tensor.
uint64_t table_bytes(const PositionPlan& plan) {
  std::vector<uint8_t> records;
  for (const StreamPlan* const stream : {&plan.main, &plan.counts, &plan.signs}) {
    if (stream->code) codec::append_code_lengths(*stream->code, &records);
  }
  return records.size();
}

}  // namespace

Recipe raw_recipe(const Content& content, const std::vector<uint64_t>& dims) {
  Recipe recipe;
  if (content.elements > 0) recipe.grid = dense_grid(dims, content.elements, content.bits, true);
  return recipe;
}

Result<CandidateSource> CandidateSource::create(Lowered& lowered, const std::vector<uint64_t>& dims,
                                                const EncodeOptions& options, const Work& work) {
  const Content& content = lowered.content;
  if (lowered.scales && !options.positions) {
    DCF_ASSIGN(ValueStats zeros, measure_values(content, Measure::kZeros, work));
    const uint64_t eighths = options.effort == Effort::kSmallest ? 7 : 5;
    if (zeros.entries >= content.elements / 8 * eighths) {
      return of_values(lowered, dims, options, work, std::move(zeros));
    }
  }
  DCF_ASSIGN(ValueStats values, measure_values(content, Measure::kAll, work));
  return of_values(lowered, dims, options, work, std::move(values));
}

uint64_t CandidateSource::least_values() const {
  uint64_t least = UINT64_MAX;
  for (const ValuePlan& plan : plan_values(content_, values_, Positions::kBitmap, {}, 1)) {
    least = std::min(least, plan.bytes);
  }
  return least;
}

uint64_t CandidateSource::margin(uint64_t dense) const {
  return smallest() ? 0 : dense / kSparseGain;
}

bool CandidateSource::may_be_sparse(uint64_t dense) const {
  if (!values_.has_values || values_.zeros + values_.negative_zeros == 0) return false;
  return least_values() < dense - margin(dense);
}

Result<bool> CandidateSource::seems_sparse(uint64_t dense) {
  if (!may_be_sparse(dense)) return false;
  if (smallest() || content_.elements <= kSampledFrom) return true;
  // What positions may cost. Half the margin is for what the sample misses.
  const uint64_t room = dense - margin(dense) / 2 - least_values();
  const uint64_t step = std::max(kLeastSampleStep, content_.elements / kSampledElements);
  bool first = true;
  for (const Grid& grid : sparse_grids(dims_, content_.elements, values_.entries, false)) {
    // Rows as long as a chunk save no more than the counts of rows.
    if (!std::exchange(first, false) && !grid.view.transposed) continue;
    DCF_ASSIGN(std::optional<PositionStats> sample,
               measure(in_chunks(grid, kSampledChunks * step), step));
    if (!sample) continue;
    uint64_t elements = 0;
    for (uint64_t c = 0; c < sample->grid.chunks; c += step) {
      elements += sample->grid.chunk_end(c) - sample->grid.chunk_begin(c);
    }
    // What each chunk costs is that of the whole, which has fewer.
    for (uint64_t* const count :
         {&sample->used_chunks, &sample->counted_chunks, &sample->signed_chunks}) {
      *count = std::min<uint64_t>(*count, 1);
    }
    for (const Positions positions : {Positions::kBitmap, Positions::kGap, Positions::kGapBucket}) {
      for (const PositionPlan& plan : plan_positions(*sample, positions, 0, signs_)) {
        const uint64_t tables = table_bytes(plan);
        const double bytes =
            static_cast<double>(tables) + static_cast<double>(plan.bytes - tables) *
                                              static_cast<double>(content_.elements) /
                                              static_cast<double>(elements);
        if (bytes < static_cast<double>(room)) return true;
      }
    }
  }
  return false;
}

Result<std::vector<Candidate>> CandidateSource::list(Positions positions) {
  std::vector<Candidate> candidates;
  if (positions == Positions::kDense) {
    if (lowered_.dense_allowed) {
      DCF_ASSIGN(candidates, list_dense());
    }
  } else if (lowered_.sparse_allowed &&
             (options_.positions || values_.zeros + values_.negative_zeros > 0)) {
    DCF_ASSIGN(candidates, list_sparse(positions));
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    return a.weight(a.estimate) < b.weight(b.estimate);
  });
  return candidates;
}

Result<std::vector<Candidate>> CandidateSource::list_dense() {
  std::vector<Candidate> candidates;
  Candidate raw{&lowered_, raw_recipe(content_, dims_)};
  raw.estimate = content_.elements * content_.width() + raw.recipe.grid.chunks * kChunkBytes;
  candidates.push_back(std::move(raw));
  const Grid grid = dense_grid(dims_, content_.elements, content_.bits, false);
  DCF_ASSIGN(const std::optional<GridPlan> on_grid, plan_on_grid(grid.chunks));
  if (!on_grid && !values_.has_values) {
    DCF_ASSIGN(values_, measure_values(content_, Measure::kAll, work_));
  }
  const ExtraValues extra{values_.zeros, values_.negative_zeros};
  std::vector<ValuePlan> plans;
  if (values_.has_values) {
    plans = plan_values(content_, values_, Positions::kDense, extra, grid.chunks);
  }
  for (const ValuePlan& plan : plans) add(nullptr, plan, grid, &candidates);
  const uint64_t least = least_of(candidates);
  if (on_grid) {
    add(nullptr, on_grid->values, grid, &candidates);
    candidates.back().recipe.scales = on_grid->scales;
    // Neither other classes nor distances save a quarter of what was quantised.
    const bool settled = candidates.back().estimate < least / 4 * 3;
    DCF_TRY(add_classes(on_grid->values, on_grid->scales, &candidates));
    if (settled) return candidates;
  }
  if (may_be_cut(options_, content_.elements)) return candidates;
  const ValuePlan* best = nullptr;  // of those that may have classes
  for (const ValuePlan& plan : plans) {
    const bool may = plan.encoding.values == format::Values::kSplit ||
                     plan.encoding.values == format::Values::kInt;
    if (may && (best == nullptr || plan.bytes < best->bytes)) best = &plan;
  }
  if (best != nullptr) DCF_TRY(add_classes(*best, {}, &candidates));
  DCF_TRY(add_delta(&candidates));
  DCF_TRY(add_dictionary(grid, &candidates));
  return candidates;
}

// Grid values whose scales are known or found, in so many chunks.
Result<std::optional<GridPlan>> CandidateSource::plan_on_grid(uint64_t chunks) const {
  // Rows that no chunk holds are others in the view of dense_grid().
  const uint64_t by_default = format::default_view_cols(dims_, content_.elements);
  const uint64_t cols = by_default <= kMaxChunkEntries ? by_default : 0;
  if (lowered_.scales) return plan_grid(content_, *lowered_.scales, cols, chunks, work_);
  // Where statistics alone decide, they have excluded grids (range_encoder.h). A palette is as
  // good.
  const bool has_words = !content_.words.empty() || content_.pieces != nullptr;
  const bool may_have_rows =
      has_words && !values_.palette && may_have_row_scales(content_.dtype, dims_);
  std::optional<GridScales> scales;
  if (!may_be_cut(options_, content_.elements)) {
    DCF_ASSIGN(scales, find_scales(content_, dims_, work_));
  } else if (may_have_rows) {
    DCF_ASSIGN(scales, find_row_scales(content_, dims_, work_));
  }
  if (!scales) return std::optional<GridPlan>();
  return plan_grid(content_, std::move(*scales), cols, chunks, work_);
}

// The classes of a plan that may have some. `scales`: of grid values.
Status CandidateSource::add_classes(const ValuePlan& plain, const GridScales& scales,
                                    std::vector<Candidate>* out) const {
  const Grid grid = dense_grid(dims_, content_.elements, content_.bits, false, kClassChunkEntries);
  DCF_ASSIGN(std::optional<ClassPlan> plan,
             plan_classes(content_, dims_, plain, scales, grid.chunks, smallest(), work_));
  if (!plan) return ok_status();
  Candidate candidate{&lowered_, {}};
  candidate.smallest = smallest();
  Recipe& recipe = candidate.recipe;
  recipe.encoding = plan->encoding;
  recipe.grid = grid;
  recipe.scales = scales;
  recipe.class_map = std::move(plan->map);
  recipe.codes.push_back(plan->map_stream.code);
  for (const StreamPlan& stream : plan->streams) recipe.codes.push_back(stream.code);
  candidate.estimate = plan->bytes + grid.chunks * kChunkBytes + recipe.codes.size() * kTableBytes;
  out->push_back(std::move(candidate));
  return ok_status();
}

// Differences, where they may be smaller than all other dense values.
Status CandidateSource::add_delta(std::vector<Candidate>* out) {
  if (lowered_.scales) return ok_status();
  DCF_ASSIGN(std::optional<DeltaPlan> plan,
             plan_delta(dims_, least_of(*out), smallest(), work_, &lowered_.content));
  if (!plan) return ok_status();
  Candidate candidate{&lowered_, {}};
  candidate.smallest = smallest();
  Recipe& recipe = candidate.recipe;
  recipe.encoding = plan->encoding;
  recipe.grid = plan->grid;
  recipe.predictors = std::move(plan->predictors);
  recipe.class_map = std::move(plan->class_map);
  if (plan->encoding.has_classes()) recipe.codes.push_back(plan->map_stream.code);
  recipe.codes.push_back(plan->predictor_stream.code);
  for (const StreamPlan& stream : plan->streams) recipe.codes.push_back(stream.code);
  candidate.estimate = plan->bytes + recipe.grid.chunks * kChunkBytes +
                       recipe.codes.size() * kTableBytes + kViewBytes;
  out->push_back(std::move(candidate));
  return ok_status();
}

// A dictionary, where it may be smaller than all other dense values.
Status CandidateSource::add_dictionary(const Grid& grid, std::vector<Candidate>* out) const {
  if (lowered_.scales) return ok_status();
  DCF_ASSIGN(std::optional<DictionaryPlan> plan,
             plan_dictionary(content_, least_of(*out), grid.chunks, smallest(), work_));
  if (!plan) return ok_status();
  Candidate candidate{&lowered_, {}};
  candidate.smallest = smallest();
  Recipe& recipe = candidate.recipe;
  recipe.encoding = plan->encoding;
  recipe.grid = grid;
  recipe.codebook = std::move(plan->codebook);
  recipe.dictionary = std::move(plan->index);
  recipe.codes.push_back(plan->stream.code);
  candidate.estimate = plan->bytes + grid.chunks * kChunkBytes + kTableBytes;
  out->push_back(std::move(candidate));
  return ok_status();
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
  for (const Grid& grid : sparse_grids(dims_, content_.elements, values_.entries, small)) {
    DCF_ASSIGN(std::optional<PositionStats> stats, measure(grid, 1));
    if (stats) views_.push_back(std::move(*stats));
  }
  return ok_status();
}

// Nothing where the view cannot be taken.
Result<std::optional<PositionStats>> CandidateSource::measure(const Grid& grid, uint64_t step) {
  const StoredCounts stored{values_.entries, values_.negative_zeros};
  if (grid.view.transposed) {
    if (stored.entries + stored.negatives > kMaxTransposed) return std::optional<PositionStats>();
    if (content_.pieces != nullptr) {
      DCF_TRY(transpose_pieces(grid.view.cols, work_.memory, work_.progress, &lowered_.content));
    }
  }
  return measure_positions(content_, grid, stored, work_, step);
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
    const format::Encoding& e = position->encoding;
    recipe.encoding.positions = e.positions;
    recipe.encoding.gap_bits = e.gap_bits;
    recipe.encoding.bucket_t = e.bucket_t;
    recipe.encoding.bucket_s = e.bucket_s;
    recipe.encoding.signs = e.signs;
    candidate.estimate += position->bytes;
    candidate.default_view = !grid.view.transposed &&
                             grid.view.cols == format::default_view_cols(dims_, content_.elements);
    candidate.estimate += candidate.default_view ? 0 : kViewBytes;
  }
  candidate.estimate += grid.chunks * kChunkBytes;
  const format::Roles roles = format::roles_of(recipe.encoding, content_.dtype);
  recipe.codes.resize(roles.count);
  for (size_t k = 0; k < roles.count; ++k) {
    switch (roles.list[k].role) {
      case format::Role::kClasses:
      case format::Role::kPredictors:
        break;
      case format::Role::kValues:
        recipe.codes[k] = value.stream.code;
        break;
      case format::Role::kCounts:
        recipe.codes[k] = position->counts.code;
        break;
      case format::Role::kSigns:
        recipe.codes[k] = position->signs.code;
        break;
      case format::Role::kBitmap:
      case format::Role::kGaps:
        recipe.codes[k] = position->main.code;
        break;
    }
    candidate.estimate += recipe.codes[k] ? kTableBytes : 0;
  }
  out->push_back(std::move(candidate));
}

}  // namespace dcf::impl::encode
