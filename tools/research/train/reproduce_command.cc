// SPDX-License-Identifier: Apache-2.0
#include "cli/evaluation.h"
#include "cli/output.h"
#include "research/train/command.h"
#include "research/train/pass_bar.h"
#include "research/train/reproduce_main.h"

namespace dcf::tools {

int reproduce_paper(const TrainCommand& command, const ReproduceCommand& reproduction) {
  ReproduceOptions options;
  options.data = command.data;
  options.output = command.output.path;
  options.recipe = command.recipe;
  options.seeds = reproduction.seeds;
  options.quick = reproduction.quick;
  options.threads = static_cast<int>(command.common.threads);
  options.weights = reproduction.weights;
  if (!reproduction.evaluation.empty()) {
    check_evaluation(reproduction.evaluation);
    options.evaluate = [&](const std::string& path) {
      return evaluate(reproduction.evaluation, path);
    };
  }
  PassBar bar(command.common.wants_progress());
  options.advance = [&](const std::string& pass, uint64_t done, uint64_t total) {
    bar.advance(pass, done, total);
  };
  if (!command.common.quiet) {
    options.line = [&](const std::string& text) {
      bar.clear();
      print_out(text + "\n");
      flush_out();
    };
  }
  return reproduce(options);
}

}  // namespace dcf::tools
