// SPDX-License-Identifier: Apache-2.0
#include "encode/write/range_encoder.h"

#include "base/checked.h"

namespace dcf::impl::encode {
namespace {

Status not_cut() {
  return fail(Code::InvalidArgument, "", "the tensor cannot be encoded in ranges");
}

}  // namespace

Result<RangePlan> plan_ranges(const TensorSpec& spec, const EncodeOptions& options,
                              const TensorStats& stats, const Work& work) {
  DCF_ASSIGN(const TensorSize size, check_spec(spec, options));
  if (stats.dtype() != spec.dtype || stats.total() != size.elements ||
      stats.elements() != size.elements) {
    return fail(Code::InvalidArgument, "", "the statistics are not those of the whole tensor");
  }
  const bool lossy =
      (options.sparsity > 0 || options.bits > 0) && may_be_lossy(spec, size.elements);
  if (lossy || size.bits % 8 != 0 || !may_be_cut(options, size.elements)) return not_cut();
  Lowered whole;  // but for its words
  whole.content.dtype = spec.dtype;
  whole.content.bits = size.bits;
  whole.content.elements = size.elements;
  const std::vector<uint64_t> dims(spec.dims.begin(), spec.dims.end());
  RangePlan plan;
  if (is_raw_only(spec.dtype)) {
    plan.recipe = raw_recipe(whole.content, dims);
  } else {
    if (options.positions.value_or(format::Positions::kDense) != format::Positions::kDense)
      return not_cut();
    const bool may_have_rows = !stats.values().palette && may_have_row_scales(spec.dtype, dims);
    if (may_have_rows && stats.seem_on_grid()) return not_cut();
    CandidateSource source = CandidateSource::of_values(whole, dims, options, work, stats.values());
    DCF_ASSIGN(std::vector<Candidate> candidates, source.list(format::Positions::kDense));
    if (!options.positions && source.may_be_sparse(candidates[0].estimate)) return not_cut();
    // A large tensor with one kind of positions gets the lightest by estimate.
    plan.recipe = std::move(candidates[0].recipe);
  }
  const Grid& grid = plan.recipe.grid;
  plan.chunk_elements = uint64_t{grid.rows_per_chunk} * grid.view.cols;
  plan.chunks = grid.chunks;
  return plan;
}

Result<EncodedTensor> encode_range(const TensorSpec& spec, const EncodeOptions& options,
                                   const TensorStats& stats, const RangePlan& plan,
                                   const TensorRange& range, const Work& work,
                                   const ConsumeBytes& consume) {
  DCF_ASSIGN(TensorStats found, TensorStats::create(spec, options));
  DCF_TRY(found.add(range.data, work));
  const uint64_t elements = found.elements();
  uint64_t end = 0;
  if (__builtin_add_overflow(range.first, elements, &end) || end > stats.total() || elements == 0 ||
      range.first % plan.chunk_elements != 0 ||
      (end % plan.chunk_elements != 0 && end != stats.total())) {
    return fail(Code::InvalidArgument, "", "the range does not begin and end with chunks");
  }
  if (!stats.cover(found)) {
    return fail(Code::InvalidArgument, "", "the range has values that the statistics lack");
  }
  const std::vector<uint64_t> dims = {elements};
  TensorInput input{spec, DenseData{range.data}};
  input.spec.dims = dims;
  DCF_ASSIGN(const CheckedInput checked, CheckedInput::check(input, options));
  DCF_ASSIGN(const std::vector<Lowered> lowered, lower(checked, work));
  Candidate candidate{&lowered[0], plan.recipe};
  Grid& grid = candidate.recipe.grid;
  grid.elements = elements;
  grid.rows = ceil_div(elements, grid.view.cols);
  grid.chunks = ceil_div(grid.rows, grid.rows_per_chunk);
  return encode_tensor(candidate, checked, dims, work, consume, 0, work.progress.total());
}

}  // namespace dcf::impl::encode
