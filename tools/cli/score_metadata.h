// SPDX-License-Identifier: Apache-2.0
// The scores of `--eval` as metadata of the file that was scored.
#pragma once

#include <string>
#include <string_view>

#include "cli/evaluation.h"
#include "formats/dcf_file.h"

namespace dcf::tools {

inline constexpr std::string_view kScoreBeforeKey = "dcf.eval.before";
inline constexpr std::string_view kScoreAfterKey = "dcf.eval.after";

inline bool is_score_key(std::string_view key) {
  return key == kScoreBeforeKey || key == kScoreAfterKey;
}

// The shortest decimal text that reads as the same double.
std::string score_text(double score);

// Writes `path`, which may exist, as a copy of `file`: everything as it is stored, and the scores
// in place of those that it has, if any. Throws DcfError.
void add_scores(const DcfFile& file, const Scores& scores, const std::string& path);

}  // namespace dcf::tools
