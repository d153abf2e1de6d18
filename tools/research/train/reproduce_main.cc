// SPDX-License-Identifier: Apache-2.0
#include "research/train/reproduce_main.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "formats/output_file.h"
#include "research/paper/large_layers.h"
#include "research/paper/report.h"
#include "research/paper/user_weights.h"
#include "research/train/reproduce_net.h"

namespace dcf::tools {
namespace {

LargeNet synthetic_net(const PaperNet& paper, const ReproduceOptions& options) {
  constexpr uint64_t kSeed = 1;
  const std::string path = fmt::format("{}/{}-synthetic.dcf", options.output, paper.title);
  write_synthetic(paper, kSeed, path);
  std::vector<std::string> names;
  for (const PaperLayer& layer : paper.layers) names.emplace_back(layer.name);
  LargeNet net{&paper, measure_file(DcfFile(path, {}), names, false), "", {}, {}};
  if (options.line) {
    options.line(fmt::format("{} (synthetic): {} bytes", paper.title, net.measure.file_bytes));
  }
  return net;
}

LargeNet user_net(const ReproduceOptions& options) {
  const auto model = open_model(options.weights);
  const UserNet user = match_layers(*model, options.weights);
  const std::string path = fmt::format("{}/{}.dcf", options.output, user.paper->title);
  write_compressed(*model, user, path);
  LargeNet net{user.paper,
               measure_file(DcfFile(path, {}), layer_names(*model, user), false),
               std::filesystem::path(options.weights).filename().string(),
               {},
               {}};
  if (options.line) {
    options.line(
        fmt::format("{} ({}): {} bytes", user.paper->title, net.origin, net.measure.file_bytes));
  }
  if (options.evaluate) {
    const std::string restored = path + ".safetensors";
    std::filesystem::remove(restored);
    restore(path, restored);
    net.score_before = options.evaluate(options.weights);
    net.score_after = options.evaluate(restored);
    std::filesystem::remove(restored);
    if (options.line) {
      options.line(fmt::format("{}: score {} before, {} after", user.paper->title,
                               *net.score_before, *net.score_after));
    }
  }
  return net;
}

void write_report(const ReproduceOptions& options, const Report& report) {
  const std::string path = options.output + "/report.html";
  const std::string page = render_report(report);
  OutputFile file(path, true);
  file.write({reinterpret_cast<const uint8_t*>(page.data()), page.size()});
  file.commit();
  if (options.line) options.line(path);
}

}  // namespace

int reproduce(const ReproduceOptions& options) {
  if (options.seeds.empty()) throw_failure("--seeds", "names no seed");
  std::filesystem::create_directories(options.output);
  Report report;
  report.data = std::filesystem::path(options.data).filename().string();
  report.recipe = options.recipe;
  report.trained.push_back(
      reproduce_net(options, "lenet-300-100", paper_lenet_300_100(), Experiments::kAll));
  report.trained.push_back(reproduce_net(options, "lenet-5", paper_lenet_5(), Experiments::kAll));
  if (!options.weights.empty()) report.large.push_back(user_net(options));
  for (const PaperNet* const paper : {&paper_alexnet(), &paper_vgg16()}) {
    const bool given = !report.large.empty() && report.large.front().paper == paper;
    if (!given) report.large.push_back(synthetic_net(*paper, options));
  }
  write_report(options, report);
  if (options.quick) return 0;
  // Last, as it takes longest: the report above holds everything else.
  ReproduceOptions once = options;
  once.seeds.resize(1);
  report.trained.push_back(reproduce_net(once, "mlp-4096", paper_large_mlp(), Experiments::kNone));
  write_report(options, report);
  return 0;
}

}  // namespace dcf::tools
