// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/json_writer.h"
#include "formats/dcf_file.h"
#include "formats/original_files.h"

namespace dcf::tools {

// As shown: "dense x split", "raw", "alias".
std::string encoding_text(const dcf_tensor_info& t);

struct ReportStyle {
  size_t width = 0;      // columns of the terminal; 0: lines of any length
  bool by_part = false;  // also where the bytes of each tensor go
};

// What `dcf info` and `dcf compress` say of a file. Keeps 28 bytes for each tensor; everything else
// is read from the file again for each line, so that the report of a million tensors is small.
class TensorReport {
 public:
  // Measures every tensor of `file`, which must outlive the report. Throws DcfError, so that
  // nothing of a report is printed where the file is damaged.
  // `originals`, which are borrowed too, may be null.
  explicit TensorReport(const DcfFile& file, const OriginalFiles* originals = nullptr);

  // The members of the pinned object of `dcf info --json`, into an object that was begun.
  void write_members(JsonWriter* json) const;
  // The same as aligned columns and a line of totals, to standard output.
  void print_text(const ReportStyle& style) const;

 private:
  dcf_tensor_bytes bytes_of(size_t i) const;
  void write_tensor(size_t i, JsonWriter* json) const;
  std::vector<std::string> row_of(size_t i, const ReportStyle& style) const;

  const std::string* original_type(size_t i) const;
  void write_originals(JsonWriter* json) const;

  const DcfFile& file_;
  const OriginalFiles* originals_;
  std::vector<uint64_t> positions_, values_;
  std::vector<uint64_t> codebook_;
  std::vector<uint32_t> tables_, other_;  // far below 2^32 each
};

}  // namespace dcf::tools
