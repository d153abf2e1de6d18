// SPDX-License-Identifier: Apache-2.0
#include "formats/range_stats.h"

#include <utility>

#include "formats/dcf_error.h"

namespace dcf::tools {

dcf_tensor_spec spec_of(const TensorMeta& meta) {
  dcf_tensor_spec spec = DCF_TENSOR_SPEC_INIT;
  spec.name = meta.name.data();
  spec.name_size = meta.name.size();
  spec.dtype = meta.dtype;
  if (meta.dtype == DCF_DTYPE_OPAQUE) {
    spec.opaque_bits = meta.bits;
    spec.opaque_name = meta.opaque_name.data();
    spec.opaque_name_size = meta.opaque_name.size();
  }
  spec.rank = static_cast<uint32_t>(meta.dims.size());
  spec.dims = meta.dims.data();
  return spec;
}

RangeStats::RangeStats(std::string name, const TensorMeta& meta, const dcf_encode_options& options)
    : name_(std::move(name)), tensor_(meta.name) {
  auto stats = dcf::Stats::open(spec_of(meta), options);
  if (!stats) check(stats.error());
  stats_.emplace(std::move(*stats));
}

void RangeStats::add(std::span<const uint8_t> data) {
  check(stats_->add(data));
}

void RangeStats::merge(std::span<const uint8_t> saved) {
  check(stats_->merge(saved));
}

std::vector<uint8_t> RangeStats::save() const {
  auto saved = stats_->save();
  if (!saved) check(saved.error());
  return std::move(*saved);
}

std::optional<uint64_t> RangeStats::cut() const {
  const auto elements = stats_->cut();
  if (elements) return *elements;
  if (elements.status() != DCF_STATUS_INVALID_ARGUMENT) check(elements.error());
  return std::nullopt;
}

void RangeStats::check(const dcf::Status& status) const {
  if (status) return;
  DcfFailure failure = make_failure(name_, status.status(), status.error());
  failure.tensor = tensor_;
  throw DcfError(std::move(failure));
}

}  // namespace dcf::tools
