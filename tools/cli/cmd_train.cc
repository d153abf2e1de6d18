// SPDX-License-Identifier: Apache-2.0
// dcf train is a program of its own, as it alone needs LibTorch.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "cli/failures.h"
#include "cli/verbs.h"

namespace dcf::tools {
namespace {

// Beside this program; becomes it.
int become_train(const Verb& verb) {
  std::error_code code;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", code);
  const std::string program = self.parent_path() / "dcf-train";
  std::vector<std::string> words = verb.remaining();
  words.insert(words.begin(), program);
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  if (errno != ENOENT) throw_failure(program, std::strerror(errno));
  throw UsageError(
      "dcf train is not part of this build: install libtorch-dev and libopenblas0-pthread, and "
      "build again with 'cmake --preset release -DDCF_BUILD_RESEARCH=ON'");
}

}  // namespace

void add_train(Program* program) {
  const Verb verb =
      program->add_verb("train", "Train, prune, cluster and fine-tune a network into a .dcf file");
  verb.footer("\n'dcf train --help' tells more where it is part of the build.");
  verb.take_rest();
  verb.on_run([verb] { return become_train(verb); });
}

}  // namespace dcf::tools
