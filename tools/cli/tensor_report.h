// SPDX-License-Identifier: Apache-2.0
// What `dcf info` and `dcf compress` say of a file.
#pragma once

#include <cstddef>
#include <string>

#include "cli/output.h"
#include "formats/dcf_file.h"

namespace dcf::tools {

// The pinned object of `dcf info --json`.
OrderedJson report_json(const DcfFile& file);

struct ReportStyle {
  size_t width = 0;      // columns to keep to by shortening names; 0: any number
  bool by_part = false;  // also where the bytes of each tensor go
};
// The same as aligned columns and a line of totals.
std::string report_text(const DcfFile& file, const ReportStyle& style);

}  // namespace dcf::tools
