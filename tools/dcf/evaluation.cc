// SPDX-License-Identifier: Apache-2.0
#include "dcf/evaluation.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "model/error.h"

namespace dcf::tools {
namespace {

// For a POSIX shell: in single quotes, a quote itself as '\''.
std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string::npos) return "";
  const size_t start = text.find_last_of('\n', end);
  return text.substr(start == std::string::npos ? 0 : start + 1, end - (start == std::string::npos ? 0 : start + 1) + 1);
}

}  // namespace

TempDirectory::TempDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "dcf-eval-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw_failure(pattern, "no temporary directory can be made");
  path_ = pattern;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

double evaluate(const std::string& command, const std::string& model_path) {
  std::string line = command;
  const std::string path = shell_quoted(model_path);
  for (size_t at = line.find("{}"); at != std::string::npos; at = line.find("{}", at + path.size())) {
    line.replace(at, 2, path);
  }
  std::fflush(nullptr);
  FILE* const pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) throw_failure(command, "the evaluation cannot be started");
  std::string output;
  char block[4096];
  for (size_t n; (n = std::fread(block, 1, sizeof block, pipe)) > 0;) output.append(block, n);
  if (pclose(pipe) != 0) throw_failure(command, "the evaluation failed");
  const std::string score_text = last_line(output);
  char* end = nullptr;
  const double score = std::strtod(score_text.c_str(), &end);
  if (score_text.empty() || *end != '\0' || !std::isfinite(score)) {
    throw_failure(command, "the evaluation does not end with a number");
  }
  return score;
}

}  // namespace dcf::tools
