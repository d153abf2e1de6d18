// SPDX-License-Identifier: Apache-2.0
#include "cli/calibration_report.h"

#include <fmt/format.h>

#include <string>

#include "cli/calibration.h"
#include "cli/display.h"
#include "cli/output.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr size_t kFewNames = 3;
constexpr size_t kNameWidth = 60;

}  // namespace

CalibrationReport::CalibrationReport(const ModelSource& source, const EncodePlan& plan)
    : source_(source), plan_(plan) {
  if (!is_used()) return;
  const Calibration& calibration = *plan.calibration;
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    if (plan.choice_for(source.tensors()[i]).options.sqnr_db == 0) continue;
    if (!calibration.has_moments(i)) missing_.push_back(i);
    if (calibration.use(i) == DCF_MOMENTS_MATRIX) ++matrices_;
    if (calibration.use(i) != DCF_MOMENTS_VECTORS) continue;
    ++vectors_;
    if (calibration.has_matrix(i)) reduced_.push_back(i);
  }
}

void CalibrationReport::write_names(const char* key, const std::vector<size_t>& tensors,
                                    JsonWriter* json) const {
  json->key(key);
  json->begin_array();
  for (const size_t i : tensors) json->value(source_.tensors()[i].name);
  json->end();
}

void CalibrationReport::write_member(JsonWriter* json) const {
  json->key("calibration");
  if (!is_used()) return json->value(nullptr);
  json->begin_object();
  json->member("full_moments", uint64_t{matrices_});
  json->member("vectors", uint64_t{vectors_});
  write_names("reduced_to_vectors", reduced_, json);
  write_names("without_moments", missing_, json);
  json->member("allotted_by", plan_.costs.empty() ? "size" : "sensitivity");
  json->end();
}

void CalibrationReport::print_names(const char* what, const std::vector<size_t>& tensors) const {
  if (tensors.empty()) return;
  std::string names;
  for (size_t k = 0; k < std::min(tensors.size(), kFewNames); ++k) {
    names += (k == 0 ? "" : ", ") +
             shorten_middle(printable_name(source_.tensors()[tensors[k]].name), kNameWidth);
  }
  print_out(fmt::format("  {}, {}: {}{}\n", human_count(tensors.size(), "tensor"), what, names,
                        tensors.size() > kFewNames ? ", ..." : ""));
}

void CalibrationReport::print_text() const {
  if (!is_used()) return;
  print_out(fmt::format(
      "calibrated: {} by full moments, {} by mean and mean square; bits shared by {}\n",
      human_count(matrices_, "tensor"), vectors_, plan_.costs.empty() ? "size" : "sensitivity"));
  print_names("whose matrix is more than -M has room for, by vectors", reduced_);
  print_names("rounded without data, as the calibration has none of it", missing_);
}

}  // namespace dcf::tools
