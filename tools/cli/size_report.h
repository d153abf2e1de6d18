// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cli/json_writer.h"
#include "formats/dcf_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// How much smaller a model has become: its tensors against its tensors, and its files against the
// .dcf file. What the .dcf file does not keep of the files is told, and counts in no ratio.
class SizeReport {
 public:
  SizeReport(const ModelSource& source, const DcfFile& file);

  // The members "input_bytes", "output_bytes", "tensors_ratio" and "files_ratio", into an object
  // that was begun.
  void write_members(JsonWriter* json) const;
  // Two lines to standard output.
  void print_text() const;

 private:
  uint64_t input_bytes_;     // of all files
  uint64_t not_kept_bytes_;  // of these
  uint64_t output_bytes_;
  uint64_t dense_bytes_ = 0;  // of all tensors of the input
  uint64_t stored_bytes_;     // of all tensors of the output
};

}  // namespace dcf::tools
