// SPDX-License-Identifier: Apache-2.0
// `--eval CMD`: the user's own measure of a model, before and after.
#pragma once

#include <filesystem>
#include <string>

namespace dcf::tools {

// A directory of its own, removed with all it holds.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// Runs `sh -c command` with every {} replaced by the quoted path. The score is the number on the last line
// of its standard output. Throws Error where it fails or prints none.
double evaluate(const std::string& command, const std::string& model_path);

}  // namespace dcf::tools
