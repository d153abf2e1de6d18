// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/report/model_report.h"

namespace dcf::tools {

// The report as a page in one file.
std::string render_report(const ModelReport& report);

}  // namespace dcf::tools
