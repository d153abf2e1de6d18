// SPDX-License-Identifier: Apache-2.0
// `--eval CMD`: the user's own measure of a model, before and after.
#pragma once

#include <string>

namespace dcf::tools {

struct Scores {
  double before = 0;
  double after = 0;

  double drop() const { return before - after; }
  bool drops_more_than(double limit) const;
};

// Throws UsageError unless `command` has a place for the model's path.
void check_evaluation(const std::string& command);

// Runs `sh -c command` with each {} replaced by the quoted path. The score is the last line of its
// standard output. Throws Error where it fails or does not end with a number.
double evaluate(const std::string& command, const std::string& model_path);

}  // namespace dcf::tools
