// SPDX-License-Identifier: Apache-2.0
// dcf-train: the program behind `dcf train`, apart because it needs LibTorch.
#include <dcf/dcf.h>
#include <malloc.h>

#include <clocale>
#include <exception>
#include <string_view>

#include "cli/failures.h"
#include "cli/options.h"
#include "cli/output.h"
#include "research/train/command.h"

namespace dcf::tools {
namespace {

constexpr const char* kFooter = R"(
Examples:
  dcf train --net lenet-300-100 --data mnist --recipe paper --seed 1 -o lenet.dcf
  dcf train --net net.json --data fashion-mnist --recipe best -o small.dcf
  dcf run lenet.dcf --test mnist
  dcf train --reproduce paper --data mnist -o reproduction

DIR holds train-images-idx3-ubyte, train-labels-idx1-ubyte and the two files that begin with t10k, each
plain or .gz. The test files are read once, after the .dcf file is written. What is done is kept in
OUT.dcf.train until the end: an interrupted run goes on there and gives the same bytes.)";

int run_command_line(int argc, char** argv) {
  Program program("dcf train", "Train, prune, cluster and fine-tune a network into a .dcf file",
                  kFooter);
  const Verb train_verb = program.root();
  TrainCommand command;
  ReproduceCommand reproduction;
  const Argument net =
      train_verb.add("--net", &command.net, "lenet-300-100, lenet-5, mlp-4096 or a JSON file");
  train_verb.add("--data", &command.data, "Directory of a data set in idx format")
      .required()
      .value_name("DIR");
  const Argument recipe =
      train_verb
          .add("--recipe", &command.recipe,
               "paper: the paper's three stages; best: the smallest file at no loss; or a JSON "
               "file")
          .show_default();
  train_verb.add("--seed", &command.seed, "Of everything random").show_default();
  train_verb.add_flag("--no-augment", &command.no_augment,
                      "With best: neither moved images nor a teacher");
  const Argument what =
      train_verb
          .add("--reproduce", &reproduction.what,
               "Train and measure the paper's networks; OUT is a folder for report.html")
          .value_name("paper")
          .one_of({"paper"})
          .excludes(net);
  train_verb
      .add("--seeds", &reproduction.seeds,
           "Of --reproduce, instead of 1 2 3; the large MLP takes the first")
      .needs(what);
  train_verb
      .add_flag("--quick", &reproduction.quick,
                "With --reproduce: fewer points of the curves, no large MLP")
      .needs(what);
  const Argument weights =
      train_verb
          .add("--weights", &reproduction.weights,
               "With --reproduce: AlexNet or VGG-16 in place of synthetic layers")
          .needs(what);
  train_verb
      .add("--eval", &reproduction.evaluation,
           "Shell command that scores the model file {}, higher is better")
      .needs(weights);
  add_output_options(train_verb, &command.output, "Network");
  train_verb.add_flag("--json", &command.common.json, "Print the result as JSON");
  train_verb.add_flag("-q,--quiet", &command.common.quiet, "Print nothing but errors");
  train_verb.add_flag("--no-progress", &command.common.no_progress, "Draw no progress bar");
  train_verb
      .add("-T,--threads", &command.common.threads,
           "Threads; the bytes of the file depend on their number")
      .within(1u, 256u);
  command.common.threads = 1;
  train_verb.on_run([&] {
    if (!reproduction.what.empty()) {
      if (!recipe.was_given()) command.recipe = "paper";
      if (command.recipe == "best") {
        throw UsageError("--reproduce goes with the paper's recipe, or one from a JSON file");
      }
      return reproduce_paper(command, reproduction);
    }
    if (command.net.empty()) throw UsageError("--net is missing (see 'dcf train --help')");
    return train(command);
  });
  return program.run(argc, argv);
}

int guarded_main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  // Keeps the memory of freed tensors: giving it back and taking it anew costs a third of a step.
  constexpr int kKeep = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, kKeep);
  mallopt(M_TRIM_THRESHOLD, kKeep);
  bool json = false;
  for (int i = 1; i < argc; ++i) json = json || std::string_view(argv[i]) == "--json";
  try {
    const int exit_code = run_command_line(argc, argv);
    flush_out();
    return exit_code;
  } catch (const std::exception& error) {
    return report_error(error, json);
  }
}

}  // namespace
}  // namespace dcf::tools

int main(int argc, char** argv) {
  return dcf::tools::guarded_main(argc, argv);
}
