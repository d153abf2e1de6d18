// SPDX-License-Identifier: Apache-2.0
#include "cli/calibration_costs.h"

#include <dcf/dcf.hpp>
#include <vector>

#include "cli/calibration.h"
#include "cli/dcf_output.h"
#include "cli/signals.h"
#include "formats/dcf_error.h"
#include "formats/range_stats.h"

namespace dcf::tools {
namespace {

// Any would do, as errors of all tensors fall alike with each dB; it is the middle of the levels.
constexpr double kReferenceSqnr = 30;

double output_error(const ModelSource& source, size_t i, const Calibration& calibration,
                    const CommonOptions& common) {
  const TensorMeta& tensor = source.tensors()[i];
  const std::unique_ptr<HeldMoments> held = calibration.read(i);
  dcf_encode_options options = dcf::encode_options();
  options.sqnr_db = kReferenceSqnr;
  if (held != nullptr) options.moments = &held->moments;
  const std::vector<uint8_t> data = source.read(i);
  const auto error =
      dcf::measure_rounding(spec_of(tensor), data, options, writer_options_of(common));
  if (error) return *error;
  DcfFailure failure =
      make_failure(source.path(), error.status(), error.error(), MemoryLimit(common.max_memory));
  failure.tensor = tensor.name;
  calibration.throw_if_refused(failure, tensor.name);
  throw DcfError(std::move(failure));
}

}  // namespace

void measure_costs(const ModelSource& source, const CommonOptions& common, EncodePlan* plan) {
  const Calibration& calibration = *plan->calibration;
  std::vector<size_t> rounded;
  uint64_t total = 0;
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    if (plan->left_out_of_rounding(source.tensors()[i]) != LeftOut::kNo) continue;
    if (!calibration.sensitivity(i)) return;
    rounded.push_back(i);
    total += source.tensors()[i].bytes();
  }
  Progress progress("measuring", total, common.progress());
  uint64_t done = 0;
  for (const size_t i : rounded) {
    throw_if_interrupted();
    plan->costs.emplace(source.tensors()[i].name,
                        *calibration.sensitivity(i) * output_error(source, i, calibration, common));
    progress.update(done += source.tensors()[i].bytes());
  }
}

}  // namespace dcf::tools
