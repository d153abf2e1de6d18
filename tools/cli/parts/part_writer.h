// SPDX-License-Identifier: Apache-2.0
// The parts of a model that is compressed item by item, and the file that they are merged into.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/common_options.h"
#include "cli/parts/work_plan.h"
#include "formats/dcf_file.h"

namespace dcf::tools {

// Encodes an item of a settled plan into a part at `output`. The same bytes, whenever and wherever.
void write_part(const WorkPlan& plan, const ModelSource& source, size_t item,
                const OutputOptions& output, const CommonOptions& common);

// The part of each item, among the .dcf files of a folder; files that are parts of other plans or
// no parts are an Error, and so is an item without a part. Of two parts of an item, which are
// equal, the first by name is taken.
std::vector<std::string> find_parts(const WorkPlan& plan, const std::string& folder,
                                    const OpenHints& hints);

// Joins the parts, which are those of all items in order, into one file: the bytes that
// `dcf compress` of the whole model writes. Nothing is decoded.
void merge_parts(const WorkPlan& plan, const ModelSource& source,
                 const std::vector<std::string>& parts, const OutputOptions& output,
                 const CommonOptions& common);

}  // namespace dcf::tools
