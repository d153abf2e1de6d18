// SPDX-License-Identifier: Apache-2.0
#include "research/train/command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "cli/display.h"
#include "cli/network/test_error.h"
#include "cli/output.h"
#include "cli/output_checks.h"
#include "formats/digits.h"
#include "formats/text.h"
#include "research/train/export.h"
#include "research/train/pass_bar.h"
#include "research/train/pipeline.h"
#include "research/train/shared_weights.h"
#include "research/train/threads.h"
#include "research/train/work_folder.h"

namespace dcf::tools {
namespace {

Network load_network(const std::string& name) {
  std::string text(builtin_network(name));
  if (text.empty()) {
    std::ifstream in(name, std::ios::binary);
    if (!in) {
      throw_failure(name, fmt::format("is neither a network ({}) nor a file that can be read",
                                      fmt::join(builtin_network_names(), ", ")));
    }
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  Network network = parse_network(text, name);
  for (const Layer& layer : network.layers) {
    if (layer.one_d) throw_failure(name, "has layers of one dimension, which are run, not trained");
  }
  return network;
}

uint64_t count_parameters(const TorchNet& net) {
  uint64_t n = 0;
  for (const Parameters& p : net.layers()) {
    n += p.size() + static_cast<uint64_t>(p.bias.numel());
  }
  return n;
}

OrderedJson result_json(const TrainCommand& command, const Session& session,
                        const TrainResult& result) {
  OrderedJson json;
  json["net"] = command.net;
  json["data"] = command.data;
  json["recipe"] = session.recipe.name;
  json["seed"] = command.seed;
  json["validation"]["images"] = session.validation->size();
  json["validation"]["dense_error"] = result.plain_error;
  json["validation"]["teacher_error"] = result.dense_error;
  json["validation"]["error"] = result.shared.error;
  json["validation"]["lost"] = result.shared.lost;
  json["validation"]["won"] = result.shared.won;
  json["validation"]["promise_kept"] = result.shared.kept;
  json["density"] = result.density;
  json["augmented"] = result.augmented;
  json["rounds"] = OrderedJson::array();
  for (const Tried& round : result.rounds) {
    OrderedJson& entry = json["rounds"].emplace_back();
    entry["density"] = round.density;
    entry["pruned_error"] = round.verdict.error;
    entry["lost"] = round.verdict.lost;
    entry["won"] = round.verdict.won;
  }
  return json;
}

class Reporter {
 public:
  explicit Reporter(const CommonOptions& common) : common_(common), bar_(common.wants_progress()) {}

  void line(const std::string& step, const std::string& text) {
    bar_.clear();
    if (!common_.quiet && !common_.json) {
      print_out(fmt::format("{:<11} {}\n", step, text));
      flush_out();
    }
  }
  void advance(const std::string& pass, uint64_t done, uint64_t total) {
    bar_.advance(pass, done, total);
  }

 private:
  CommonOptions common_;
  PassBar bar_;
};

}  // namespace

int train(const TrainCommand& command) {
  if (command.output.path == "-") throw_failure("-", "training needs a file to write to");
  check_output(command.data, command.output, false);
  set_threads(static_cast<int>(command.common.threads));
  const Network network = load_network(command.net);
  const Digits digits = load_train(command.data);
  check_digits(digits, network, command.data);

  Reporter reporter(command.common);
  Session session;
  session.network = &network;
  session.recipe = make_recipe(command.recipe, network, !command.no_augment);
  session.seed = command.seed;
  const Split split = split_samples(digits.count);
  session.training = std::make_shared<Samples>(digits, network, split.training);
  session.validation = std::make_shared<Samples>(digits, network, split.validation);
  session.advance = [&](const std::string& pass, uint64_t done, uint64_t total) {
    reporter.advance(pass, done, total);
  };
  session.line = [&](const std::string& step, const std::string& text) {
    reporter.line(step, text);
  };
  WorkFolder work(command.output.path + ".train", session, digits, command.common.threads);
  session.work = work.path();

  TorchNet net(network, mix_seed(command.seed, 1));
  TorchNet plain(network, mix_seed(command.seed, 2));
  const TrainResult result = train_and_compress(session, &plain, &net);
  export_dcf(net, session.recipe, command.output.path, command.output.force);
  const uint64_t bytes = std::filesystem::file_size(command.output.path);
  const uint64_t dense_bytes = sizeof(float) * count_parameters(net);
  const double ratio = static_cast<double>(dense_bytes) / static_cast<double>(bytes);
  reporter.line("write",
                fmt::format("{}: {}, {:.1f} times smaller than {}", printable(command.output.path),
                            human_bytes(bytes), ratio, human_bytes(dense_bytes)));

  // The only look at the test files, when nothing can be chosen any more.
  const Digits test = load_test(command.data);
  check_digits(test, network, command.data);
  const double dense_test = error_percent(plain, Samples(test, network));
  const uint64_t wrong = count_wrong(DcfFile(command.output.path, {}), network, test, {});
  reporter.line("test",
                fmt::format("error {:.2f} % from the file ({} of {}); {:.2f} % of the dense "
                            "net",
                            percent_of(wrong, test.count), wrong, test.count, dense_test));
  if (command.common.json) {
    OrderedJson json = result_json(command, session, result);
    for (const Parameters& p : net.layers()) json["sharing_rates"][p.name] = sharing_rate(p);
    json["dead_units"] = result.dead_units;
    json["output"] = command.output.path;
    json["file_bytes"] = bytes;
    json["dense_bytes"] = dense_bytes;
    json["ratio"] = ratio;
    json["test"]["images"] = test.count;
    json["test"]["wrong"] = wrong;
    json["test"]["error_percent"] = percent_of(wrong, test.count);
    json["test"]["dense_error_percent"] = dense_test;
    print_json(json);
  }
  work.remove();
  return 0;
}

}  // namespace dcf::tools
