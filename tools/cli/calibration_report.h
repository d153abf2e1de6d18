// SPDX-License-Identifier: Apache-2.0
// Which tensors were rounded with what is known of their inputs, and which were not.
#pragma once

#include <cstddef>
#include <vector>

#include "cli/encode_plan.h"
#include "cli/json_writer.h"
#include "formats/model_source.h"

namespace dcf::tools {

class CalibrationReport {
 public:
  // The file of `plan`, which was bound to `source`, was written. Keeps numbers of tensors; both
  // must outlive the report.
  CalibrationReport(const ModelSource& source, const EncodePlan& plan);

  // The member "calibration" of an object that was begun: null where there was none, or the file is
  // lossless.
  void write_member(JsonWriter* json) const;
  // To standard output; nothing where there was none.
  void print_text() const;

 private:
  bool is_used() const { return plan_.calibration != nullptr && plan_.quality.has_value(); }
  void write_names(const char* key, const std::vector<size_t>& tensors, JsonWriter* json) const;
  void print_names(const char* what, const std::vector<size_t>& tensors) const;

  const ModelSource& source_;
  const EncodePlan& plan_;
  // Of the tensors that may be rounded, those that were calibrated: all, and those of which a
  // matrix did not fit the memory; and those without statistics.
  size_t matrices_ = 0, vectors_ = 0;
  std::vector<size_t> reduced_;
  std::vector<size_t> missing_;
};

}  // namespace dcf::tools
