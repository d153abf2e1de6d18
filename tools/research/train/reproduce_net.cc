// SPDX-License-Identifier: Apache-2.0
#include "research/train/reproduce_net.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/network/test_error.h"
#include "formats/digits.h"
#include "research/train/export.h"
#include "research/train/pipeline.h"
#include "research/train/steps.h"
#include "research/train/threads.h"
#include "research/train/work_folder.h"

namespace dcf::tools {
namespace {

NetWeights arrays_of(const TorchNet& net) {
  NetWeights arrays;
  for (const Parameters& p : net.layers()) {
    const torch::Tensor w = p.weight.detach().contiguous();
    const torch::Tensor b = p.bias.detach().contiguous();
    LayerWeights layer{p.name, {w.sizes().begin(), w.sizes().end()}, {}, {}};
    layer.weights.assign(w.data_ptr<float>(), w.data_ptr<float>() + w.numel());
    layer.biases.assign(b.data_ptr<float>(), b.data_ptr<float>() + b.numel());
    arrays.push_back(std::move(layer));
  }
  return arrays;
}

void set_arrays(const NetWeights& arrays, TorchNet* net) {
  for (size_t i = 0; i < arrays.size(); ++i) {
    Parameters& p = net->layers()[i];
    std::copy(arrays[i].weights.begin(), arrays[i].weights.end(), p.weights());
    std::copy(arrays[i].biases.begin(), arrays[i].biases.end(), p.bias.data_ptr<float>());
    p.mask.clear();
    p.codes.clear();
    p.codebook.clear();
  }
}

// Takes the distinct nonzero weights of a layer for its codebook.
void find_codes(Parameters* p) {
  const std::vector<float> w(p->weights(), p->weights() + p->size());
  p->codebook = w;
  std::sort(p->codebook.begin(), p->codebook.end());
  p->codebook.erase(std::unique(p->codebook.begin(), p->codebook.end()), p->codebook.end());
  std::erase(p->codebook, 0.0f);
  p->mask.assign(w.size(), 0);
  p->codes.assign(w.size(), 0);
  for (size_t i = 0; i < w.size(); ++i) {
    if (w[i] == 0) continue;
    const auto at = std::lower_bound(p->codebook.begin(), p->codebook.end(), w[i]);
    p->mask[i] = 1;
    p->codes[i] = static_cast<uint8_t>(at - p->codebook.begin() + 1);
  }
}

// Everything that the sessions of one network share.
class Lab {
 public:
  Lab(const ReproduceOptions& options, const std::string& name)
      : options_(options),
        name_(name),
        network_(parse_network(builtin_network(name), name)),
        digits_(load_train(options.data)),
        split_(split_samples(digits_.count)) {
    check_digits(digits_, network_, options.data);
  }

  const Network& network() const { return network_; }
  std::string file(uint64_t seed) const {
    return fmt::format("{}/{}-seed{}.dcf", options_.output, name_, seed);
  }

  Session session(uint64_t seed) const {
    Session s;
    s.network = &network_;
    s.recipe = make_recipe(options_.recipe, network_, false);
    s.seed = seed;
    s.training = std::make_shared<Samples>(digits_, network_, split_.training);
    s.validation = std::make_shared<Samples>(digits_, network_, split_.validation);
    s.advance = [this, seed](const std::string& pass, uint64_t done, uint64_t total) {
      if (options_.advance) {
        options_.advance(fmt::format("{}, seed {}, {}", name_, seed, pass), done, total);
      }
    };
    s.line = [this, seed](const std::string& step, const std::string& text) {
      if (options_.line) options_.line(fmt::format("{}, seed {}, {}: {}", name_, seed, step, text));
    };
    s.work = WorkFolder(file(seed) + ".train", s, digits_, static_cast<uint32_t>(options_.threads))
                 .path();
    return s;
  }

  // Error against size, and where centroids start, with the first seed.
  void experiment(const TorchNet& dense, TrainedNet* out) const {
    const Session own = session(options_.seeds.front());
    const Trainable net = trainable(own, dense);
    const std::vector<double> scales =
        options_.quick ? std::vector<double>{0.5, 1, 2}
                       : std::vector<double>{0.2, 0.35, 0.5, 0.75, 1, 1.5, 2.5, 5};
    out->curves = compare_methods(net, scales);
    out->inits = compare_inits(net, net.prune("inits", net.densities), own.seed, !options_.quick);
    if (options_.line) options_.line(fmt::format("{}: experiments done", name_));
  }

 private:
  // Errors on validation data, and training that is short, on top of a dense net.
  Trainable trainable(const Session& session, const TorchNet& dense) const {
    const auto scratch = std::make_shared<TorchNet>(dense.clone());
    Trainable t;
    t.dense = arrays_of(dense);
    for (const LayerRecipe& layer : session.recipe.layers) {
      t.densities.push_back(layer.density);
      t.clusters.push_back(layer.clusters);
    }
    t.error = [scratch, &session](const NetWeights& arrays) {
      set_arrays(arrays, scratch.get());
      return error_percent(*scratch, *session.validation);
    };
    t.prune = [this, &session, dense = t.dense, scratch](const std::string& name,
                                                         const std::vector<double>& densities) {
      Session own = session;
      for (size_t i = 0; i < densities.size(); ++i) own.recipe.layers[i].density = densities[i];
      PruneRound round{0, 0, own.recipe.rounds.front().schedule};
      constexpr uint64_t kShorter = 5;
      round.schedule.epochs =
          options_.quick ? 1 : std::max<uint64_t>(1, round.schedule.epochs / kShorter);
      set_arrays(dense, scratch.get());
      prune_and_retrain(own, fmt::format("figure-{}-epochs{}", name, round.schedule.epochs), round,
                        nullptr, scratch.get());
      return arrays_of(*scratch);
    };
    t.finetune = [this, &session, scratch](const std::string& name, const NetWeights& clustered) {
      set_arrays(clustered, scratch.get());
      for (Parameters& p : scratch->layers()) find_codes(&p);
      Schedule schedule = session.recipe.finetune;
      schedule.epochs = 1;
      const std::string pass =
          fmt::format("figure-{}-finetune{}", name, options_.quick ? "-quick" : "");
      run_pass(session, {pass, Moves::kCentroids, schedule, {}}, nullptr, scratch.get());
      return arrays_of(*scratch);
    };
    return t;
  }

  const ReproduceOptions& options_;
  std::string name_;
  Network network_;
  Digits digits_;
  Split split_;
};

}  // namespace

TrainedNet reproduce_net(const ReproduceOptions& options, const std::string& name,
                         const PaperNet& paper, Experiments experiments) {
  set_threads(options.threads);
  const Lab lab(options, name);
  TrainedNet out;
  out.paper = &paper;
  std::vector<TorchNet> dense;
  std::vector<std::string> order;
  for (const uint64_t seed : options.seeds) {
    const Session session = lab.session(seed);
    TorchNet net(lab.network(), mix_seed(seed, 1));
    TorchNet plain(lab.network(), mix_seed(seed, 2));
    const TrainResult result = train_and_compress(session, &plain, &net);
    export_dcf(net, session.recipe, lab.file(seed), true);
    if (options.line) {
      options.line(fmt::format("{}, seed {}: validation error {:.2f} %, {} bytes", paper.title,
                               seed, result.shared.error,
                               std::filesystem::file_size(lab.file(seed))));
    }
    if (dense.empty()) {
      out.dense_validation_error = result.plain_error;
      for (const Parameters& p : net.layers()) order.push_back(p.name);
    }
    dense.push_back(std::move(plain));
  }

  if (experiments == Experiments::kAll) lab.experiment(dense.front(), &out);

  // The only look at the test images, when nothing can be chosen any more.
  const Digits test = load_test(options.data);
  check_digits(test, lab.network(), options.data);
  const Samples samples(test, lab.network());
  for (size_t i = 0; i < options.seeds.size(); ++i) {
    const std::string path = lab.file(options.seeds[i]);
    const uint64_t wrong = count_wrong(DcfFile(path, {}), lab.network(), test, {});
    out.seeds.push_back({options.seeds[i], error_percent(dense[i], samples),
                         percent_of(wrong, test.count), std::filesystem::file_size(path)});
  }
  out.measure = measure_file(DcfFile(lab.file(options.seeds.front()), {}), order, true);
  return out;
}

}  // namespace dcf::tools
