// SPDX-License-Identifier: Apache-2.0
// What `dcf info` and `dcf compress --json` say of a file.
#pragma once

#include "dcf/output.h"
#include "model/dcf_file.h"

namespace dcf::tools {

// The pinned object of `dcf info --json`.
OrderedJson report_json(const DcfFile& file);
// The same as aligned columns and a line of totals, at most `width` columns wide (0: any).
std::string report_text(const DcfFile& file, size_t width);

}  // namespace dcf::tools
