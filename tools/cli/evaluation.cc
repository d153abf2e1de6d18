// SPDX-License-Identifier: Apache-2.0
#include "cli/evaluation.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "cli/display.h"
#include "cli/failures.h"
#include "cli/shell.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr std::string_view kPlaceholder = "{}";

// For a POSIX shell: in single quotes, a quote itself as '\''.
std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string with_path(std::string command, const std::string& path) {
  const std::string quoted = shell_quoted(path);
  size_t at = command.find(kPlaceholder);
  while (at != std::string::npos) {
    command.replace(at, kPlaceholder.size(), quoted);
    at = command.find(kPlaceholder, at + quoted.size());
  }
  return command;
}

std::string_view last_line(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  text = text.substr(0, text.find_last_not_of(kSpace) + 1);
  text.remove_prefix(text.find_last_of('\n') + 1);  // npos + 1 is 0
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text;
}

}  // namespace

bool Scores::drops_more_than(double limit) const {
  // 0.95 - 0.94 is a little more than 0.01 in binary; the user means the decimal numbers.
  const double rounding = 1e-12 * std::max({std::abs(before), std::abs(after), std::abs(limit)});
  return drop() > limit + rounding;
}

void check_evaluation(const std::string& command) {
  if (command.find(kPlaceholder) == std::string::npos) {
    throw UsageError("the command of --eval has no {}, the place of the model's path");
  }
}

double evaluate(const std::string& command, const std::string& model_path) {
  const ShellResult result = run_shell(with_path(command, model_path));
  if (!result.failure.empty()) throw_failure("--eval", "the command " + result.failure);
  const std::string_view line = last_line(result.output_tail);
  double score = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), score);
  if (error != std::errc() || end != line.data() + line.size() || !std::isfinite(score)) {
    throw_failure("--eval", "the last line of the command's output is not a number: '" +
                                printable(line.substr(0, 80)) + "'");
  }
  return score;
}

}  // namespace dcf::tools
