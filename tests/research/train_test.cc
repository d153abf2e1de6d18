// SPDX-License-Identifier: Apache-2.0
// The training loop on a data set made here: gradients against autograd, runs that repeat and
// resume to the same bytes, predictions from the file against LibTorch's.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <stdexcept>

#include "cli/network/run.h"
#include "formats/digits.h"
#include "research/train/command.h"
#include "research/train/export.h"
#include "research/train/pipeline.h"
#include "research/train/reproduce_net.h"
#include "research/train/shared_weights.h"
#include "research/train/steps.h"

namespace dcf::tools {
namespace {

constexpr const char* kNetwork =
    R"({"input":[1,8,8],"scale":0.00390625,"layers":["conv c 4 3x3","maxpool 2","linear a 16",)"
    R"("relu","linear b 4"]})";

// A bright patch in the corner that the label names, on noise.
Digits make_digits(uint64_t count, uint64_t seed, uint64_t side = 8) {
  Random random(seed);
  const uint64_t pixels = side * side;
  const uint64_t half = side / 2;
  Digits d{count, side, side, std::vector<uint8_t>(count * pixels), std::vector<uint8_t>(count)};
  for (uint64_t i = 0; i < count; ++i) {
    const auto label = static_cast<uint8_t>(random.below(4));
    d.labels[i] = label;
    for (uint64_t p = 0; p < pixels; ++p) {
      const bool inside = (p / side < half) == (label < 2) && (p % side < half) == (label % 2 == 0);
      d.images[i * pixels + p] = static_cast<uint8_t>(random.below(inside ? 256 : 64));
    }
  }
  return d;
}

std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The two idx files of `d`, named after `part`.
void write_digits(const Digits& d, const std::string& folder, const std::string& part) {
  const auto big_endian = [](uint64_t n) {
    return std::string{static_cast<char>(n >> 24), static_cast<char>(n >> 16),
                       static_cast<char>(n >> 8), static_cast<char>(n)};
  };
  std::ofstream(folder + "/" + part + "-images-idx3-ubyte", std::ios::binary)
      << big_endian(0x803) << big_endian(d.count) << big_endian(d.height) << big_endian(d.width)
      << std::string(d.images.begin(), d.images.end());
  std::ofstream(folder + "/" + part + "-labels-idx1-ubyte", std::ios::binary)
      << big_endian(0x801) << big_endian(d.count) << std::string(d.labels.begin(), d.labels.end());
}

class Training : public testing::Test {
 protected:
  Training() {
    std::string name = testing::TempDir() + "dcf-train-XXXXXX";
    folder_ = mkdtemp(name.data());
    at::set_num_threads(1);
  }
  ~Training() override { std::filesystem::remove_all(folder_); }

  Session session(const std::string& work) {
    const Split split = split_samples(digits_.count);
    Session s;
    s.network = &network_;
    s.recipe = make_recipe("best", network_, true);
    s.recipe.batch = 32;
    s.recipe.plain = s.recipe.dense = {4, 1e-2};
    s.recipe.rounds.resize(2);
    for (PruneRound& round : s.recipe.rounds) {
      round.schedule.epochs = 2;
      round.density *= 6;  // of so small a network little else would be left than its biases
    }
    s.recipe.sharing = {1, 1e-3};
    s.recipe.unaugmented = nullptr;
    s.recipe.tolerance = 1000;
    s.seed = 5;
    s.training = std::make_shared<Samples>(digits_, network_, split.training);
    s.validation = std::make_shared<Samples>(digits_, network_, split.validation);
    s.work = folder_ + "/" + work;
    std::filesystem::create_directories(s.work);
    s.advance = [](const std::string&, uint64_t, uint64_t) {};
    s.line = [](const std::string&, const std::string&) {};
    return s;
  }
  // Trains into `name`.dcf and returns its bytes.
  std::string run(const Session& s, const std::string& name) {
    TorchNet net(network_, mix_seed(s.seed, 1));
    TorchNet plain(network_, mix_seed(s.seed, 2));
    train_and_compress(s, &plain, &net);
    const std::string path = folder_ + "/" + name + ".dcf";
    export_dcf(net, s.recipe, path, true);
    return read_bytes(path);
  }

  Network network_ = parse_network(kNetwork);
  Digits digits_ = make_digits(600, 1);
  std::string folder_;
};

TEST_F(Training, CentroidGradientsAreThoseOfAutogradThroughTheCodebook) {
  TorchNet net(network_, 3);
  const Batch batch = session("unused").training->batch(0, 64);
  for (Parameters& p : net.layers()) {
    dcf_share_options options;
    dcf_share_options_init(&options);
    options.clusters = 4;
    share_weights(options, &p);
  }
  torch::nn::functional::cross_entropy(net.forward(batch.x, {}), batch.y).backward();
  TorchNet shared = net.clone();
  std::vector<torch::Tensor> codebooks;
  for (Parameters& p : shared.layers()) {
    codebooks.push_back(torch::tensor(p.codebook).requires_grad_());
    const torch::Tensor codes =
        torch::tensor(std::vector<int64_t>(p.codes.begin(), p.codes.end())) - 1;
    p.weight = codebooks.back().index_select(0, codes).reshape(p.weight.sizes());
  }
  torch::nn::functional::cross_entropy(shared.forward(batch.x, {}), batch.y).backward();
  for (size_t i = 0; i < codebooks.size(); ++i) {
    const Parameters& p = net.layers()[i];
    const torch::Tensor ours = centroid_gradients(p, p.weight.grad());
    const double scale = codebooks[i].grad().abs().max().item<double>();
    EXPECT_LT((ours - codebooks[i].grad()).abs().max().item<double>(), 1e-6 * scale) << p.name;
  }
}

TEST_F(Training, MasksHoldAndSharedWeightsStayShared) {
  const Session s = session("masks");
  TorchNet net(network_, 3);
  prune_and_retrain(s, "round", {0.2, 0.5, {2, 1e-3}}, nullptr, &net);
  EXPECT_NEAR(density_of(net), 0.2, 0.01);
  share_and_finetune(s, "round", nullptr, &net);
  for (Parameters& p : net.layers()) {
    for (size_t i = 0; i < p.size(); ++i) {
      const float wanted = p.codes[i] == 0 ? 0.0f : p.codebook[p.codes[i] - 1u];
      ASSERT_EQ(p.weights()[i], wanted) << p.name;
      ASSERT_EQ(p.codes[i] != 0, p.mask[i] != 0) << p.name;
    }
  }
}

TEST_F(Training, AnInterruptedRunGoesOnToTheSameBytes) {
  const std::string whole = run(session("whole"), "whole");
  EXPECT_EQ(run(session("again"), "again"), whole);
  Session cut = session("cut");
  for (const uint64_t stop : {20u, 70u, 130u}) {
    uint64_t steps = 0;
    cut.advance = [&](const std::string&, uint64_t, uint64_t) {
      if (++steps == stop) throw std::runtime_error("interrupted");
    };
    EXPECT_THROW(run(cut, "cut"), std::runtime_error);
  }
  cut.advance = [](const std::string&, uint64_t, uint64_t) {};
  EXPECT_EQ(run(cut, "cut"), whole);
}

TEST_F(Training, AStateThatCannotBeWrittenIsSaid) {
  const TorchNet net(network_, 1);
  const std::string path = folder_ + "/state";
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {100, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(save_state(path, net, {}), std::exception);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  save_state(path, net, {});
  TorchNet same(network_, 2);
  EXPECT_TRUE(load_state(path, &same, nullptr));
}

TEST_F(Training, TheFileAnswersAsLibTorchDoes) {
  const Session s = session("answers");
  TorchNet net(network_, mix_seed(s.seed, 1));
  TorchNet plain(network_, mix_seed(s.seed, 2));
  train_and_compress(s, &plain, &net);
  const std::string path = folder_ + "/answers.dcf";
  export_dcf(net, s.recipe, path, false);
  const Digits test = make_digits(500, 2);
  const std::vector<float> x(test.images.begin(), test.images.end());
  const DcfFile file(path, {});
  const std::vector<float> ours = run_network(file, read_network(file), x, test.count);
  const torch::NoGradGuard no_grad;
  const torch::Tensor theirs =
      net.forward(Samples(test, network_).batch(0, test.count).x, {}).contiguous();
  // Answers that do not depend on the question would show nothing.
  EXPECT_LT(error_percent(net, Samples(test, network_)), 50);
  for (size_t i = 0; i < test.count; ++i) {
    const std::span row(ours.data() + i * 4, 4);
    for (size_t k = 0; k < 4; ++k) {
      ASSERT_NEAR(row[k], theirs.data_ptr<float>()[i * 4 + k], 1e-4) << i;
    }
    const auto chosen = static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    const float best = theirs[static_cast<int64_t>(i)].max().item<float>();
    ASSERT_NEAR(theirs.data_ptr<float>()[i * 4 + chosen], best, 1e-5) << "another answer to " << i;
  }
}

TEST_F(Training, RoundsEndWhereTheyLoseTooMuch) {
  Session s = session("rounds");
  TorchNet net(network_, mix_seed(s.seed, 1));
  TorchNet plain(network_, mix_seed(s.seed, 2));
  const TrainResult all = train_and_compress(s, &plain, &net);
  ASSERT_EQ(all.rounds.size(), 2u);
  EXPECT_LT(all.rounds[1].density, all.rounds[0].density);
  EXPECT_EQ(all.density, all.rounds[1].density);
  EXPECT_NEAR(density_of(net), all.density, 1e-9);
  EXPECT_TRUE(all.shared.kept);

  s = session("too-sparse");
  s.recipe.tolerance = 0;
  s.recipe.max_density = 0;
  for (PruneRound& round : s.recipe.rounds) round.density = 0.002;  // not enough to tell digits
  const TrainResult first = train_and_compress(s, &plain, &net);
  ASSERT_EQ(first.rounds.size(), 1u);
  EXPECT_FALSE(first.rounds[0].verdict.kept);
  EXPECT_EQ(first.density, first.rounds[0].density);
  EXPECT_NEAR(density_of(net), first.density, 1e-9);
}

TEST_F(Training, TheGapBetweenADensityThatHoldsAndOneThatDoesNotIsHalved) {
  Session s = session("halved");
  s.recipe.tolerance = 1;
  s.recipe.max_halving = 2;
  s.recipe.rounds[0].density = 0.8;
  s.recipe.rounds[1].density = 0.002;
  TorchNet net(network_, mix_seed(s.seed, 1));
  TorchNet plain(network_, mix_seed(s.seed, 2));
  const TrainResult result = train_and_compress(s, &plain, &net);
  ASSERT_EQ(result.rounds.size(), 4u);
  EXPECT_TRUE(result.rounds[0].verdict.kept);
  EXPECT_FALSE(result.rounds[1].verdict.kept);
  double kept = result.rounds[0].density;
  double broken = result.rounds[1].density;
  for (size_t i = 2; i < 4; ++i) {
    EXPECT_NEAR(result.rounds[i].density, std::sqrt(kept * broken), 2e-3) << i;
    (result.rounds[i].verdict.kept ? kept : broken) = result.rounds[i].density;
  }
  EXPECT_EQ(result.density, kept);
  EXPECT_TRUE(result.shared.kept);
}

TEST_F(Training, ThePromiseIsJudgedByTheImagesThatOneNetAloneGetsRight) {
  const Session s = session("promise");
  TorchNet good(network_, 1);
  run_pass(s, {"good", Moves::kWeights, {8, 1e-2}, {}}, nullptr, &good);
  const TorchNet untrained(network_, 2);
  const auto own = Promise(s, good, 0).judge(good);
  EXPECT_EQ(own.lost + own.won, 0u);
  EXPECT_EQ(own.excess(), 0);
  EXPECT_TRUE(own.kept);
  const Verdict worse = Promise(s, good, 0).judge(untrained);
  const Verdict better = Promise(s, untrained, 0).judge(good);
  EXPECT_EQ(worse.lost, better.won);
  EXPECT_EQ(worse.won, better.lost);
  EXPECT_GT(worse.excess(), 1);
  EXPECT_EQ(worse.excess(), -better.excess());
  EXPECT_FALSE(worse.kept);
  EXPECT_TRUE(better.kept);
  EXPECT_TRUE(Promise(s, good, worse.excess()).judge(untrained).kept);
  const double images = static_cast<double>(s.validation->size());
  EXPECT_NEAR(worse.error - better.error,
              100 * (static_cast<double>(worse.lost) - static_cast<double>(worse.won)) / images,
              1e-9);
}

TEST_F(Training, WhatLosesTooMuchIsTriedWithMoreWeightsAndClusters) {
  Session s = session("eased");
  s.recipe.rounds.resize(1);
  s.recipe.rounds[0].density = 0.1;
  // Nothing is learned again, nor from twice as many weights.
  s.recipe.rounds[0].schedule.rate = 1e-9;
  s.recipe.sharing = s.recipe.finetune = {};
  s.recipe.max_density = 0.25;
  s.recipe.max_doubling = 1;
  s.recipe.tolerance = 0;
  for (LayerRecipe& layer : s.recipe.layers) layer.clusters = 1;
  TorchNet net(network_, mix_seed(s.seed, 1));
  TorchNet plain(network_, mix_seed(s.seed, 2));
  const TrainResult result = train_and_compress(s, &plain, &net);
  ASSERT_EQ(result.rounds.size(), 2u);
  EXPECT_NEAR(result.density, 0.2, 1e-3);
  for (const Parameters& p : net.layers()) EXPECT_EQ(p.codebook.size(), 2u) << p.name;
}

TEST_F(Training, SlowerFinetuningIsTriedBeforeMoreClusters) {
  Session s = session("slower");
  s.recipe.rounds.resize(1);
  s.recipe.rounds[0].density = 0.8;
  s.recipe.sharing = {};
  s.recipe.finetune = {1, 100};  // moves centroids to anywhere
  s.recipe.slower_finetune = 1e-9;
  s.recipe.tolerance = 1;
  for (LayerRecipe& layer : s.recipe.layers) layer.clusters = 16;
  TorchNet net(network_, mix_seed(s.seed, 1));
  TorchNet plain(network_, mix_seed(s.seed, 2));
  const TrainResult result = train_and_compress(s, &plain, &net);
  EXPECT_TRUE(result.shared.kept);
  EXPECT_TRUE(std::filesystem::exists(s.work + "/round1-slower-finetune.done"));
  EXPECT_FALSE(std::filesystem::exists(s.work + "/round1-clusters1-finetune.done"));

  s.recipe.slower_finetune = 0;
  s.work = folder_ + "/never-slower";
  std::filesystem::create_directories(s.work);
  EXPECT_FALSE(train_and_compress(s, &plain, &net).shared.kept);
  EXPECT_TRUE(std::filesystem::exists(s.work + "/round1-clusters1-finetune.done"));
}

TEST_F(Training, AugmentationIsLeftOutWhereItDoesNotHelp) {
  Session s = session("unaugmented");
  s.recipe.plain.epochs = 4;
  s.recipe.shift = 1;
  auto other = std::make_shared<Recipe>(s.recipe);
  other->shift = 0;
  other->plain.epochs = 0;
  s.recipe.unaugmented = other;
  s.recipe.dense.epochs = 0;  // errs more than any training
  TorchNet net(network_, mix_seed(s.seed, 1));
  TorchNet plain(network_, mix_seed(s.seed, 2));
  const TrainResult result = train_and_compress(s, &plain, &net);
  EXPECT_FALSE(result.augmented);
  EXPECT_EQ(result.plain_error, result.dense_error);

  s.recipe.unaugmented = nullptr;
  EXPECT_TRUE(train_and_compress(s, &plain, &net).augmented);
}

TEST(Recipes, ThePapersForTheLargeMlpIsShort) {
  const auto recipe = [](const std::string& name) {
    return paper_recipe(parse_network(builtin_network(name), name));
  };
  const Recipe large = recipe("mlp-4096");
  EXPECT_EQ(large.dense.epochs, 5u);
  ASSERT_EQ(large.rounds.size(), 1u);
  EXPECT_EQ(large.rounds[0].schedule.epochs, 8u);
  EXPECT_EQ(large.rounds[0].schedule.rate, 0.2);
  EXPECT_EQ(large.rounds[0].schedule.weight_decay, 0);
  EXPECT_EQ(large.rounds[0].schedule.dropout, 0.3);
  EXPECT_EQ(large.finetune.epochs, 1u);
  EXPECT_EQ(large.layers.back().density, 0.25);
  const Recipe small = recipe("lenet-300-100");
  EXPECT_EQ(small.dense.epochs, 25u);
  EXPECT_EQ(small.rounds[0].schedule.epochs, 40u);
  EXPECT_EQ(small.rounds[0].schedule.rate, 0.1);
  EXPECT_EQ(small.rounds[0].schedule.weight_decay, 1e-4);
  EXPECT_EQ(small.finetune.epochs, 2u);
}

TEST_F(Training, TheReproductionFinetunesEveryNetAndDoesNothingTwice) {
  write_digits(make_digits(300, 1, 28), folder_, "train");
  write_digits(make_digits(50, 2, 28), folder_, "t10k");
  ReproduceOptions options;
  options.data = folder_;
  options.output = folder_ + "/reproduction";
  options.recipe = folder_ + "/recipe.json";
  options.seeds = {3, 4};
  std::ofstream(options.recipe)
      << R"({"base":"paper","dense":{"epochs":1},"rounds":[{"density":0,"epochs":1}]})";
  std::set<std::string> passes;
  options.advance = [&](const std::string& pass, uint64_t steps, uint64_t total) {
    EXPECT_LE(steps, total);
    passes.insert(pass);
  };
  std::filesystem::create_directories(options.output);
  const auto reproduce_lenet = [&] {
    return reproduce_net(options, "lenet-5", paper_lenet_5(), Experiments::kAll);
  };
  const auto times = [&] {
    std::map<std::string, std::filesystem::file_time_type> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(options.output)) {
      if (entry.path().extension() == ".done") all[entry.path()] = entry.last_write_time();
    }
    return all;
  };
  const TrainedNet first = reproduce_lenet();
  ASSERT_EQ(first.seeds.size(), 2u);
  EXPECT_EQ(first.curves.size(), 4u);
  ASSERT_EQ(first.inits.size(), 3u);
  for (const InitCurve& curve : first.inits) {
    for (const InitPoint& p : curve.points) EXPECT_TRUE(p.finetuned.has_value()) << curve.name;
  }
  const auto done = times();
  EXPECT_GT(done.size(), 30u);
  EXPECT_TRUE(passes.contains("lenet-5, seed 3, dense"));
  EXPECT_TRUE(passes.contains("lenet-5, seed 4, round1"));
  const TrainedNet second = reproduce_lenet();
  EXPECT_EQ(times(), done);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(second.inits[i].points.back().finetuned, first.inits[i].points.back().finetuned);
  }
  EXPECT_EQ(second.seeds[1].file_bytes, first.seeds[1].file_bytes);

  const TrainedNet bare = reproduce_net(options, "lenet-5", paper_lenet_5(), Experiments::kNone);
  EXPECT_TRUE(bare.curves.empty());
  EXPECT_TRUE(bare.inits.empty());
}

TEST_F(Training, TheTestSetDecidesNothing) {
  const std::string recipe = folder_ + "/recipe.json";
  std::ofstream(recipe) << R"({"base":"best","batch":32,"plain":{"epochs":1},"dense":{"epochs":2},)"
                        << R"("rounds":[{"density":0.5,"epochs":1},{"density":0.3,"epochs":1}]})";
  std::ofstream(folder_ + "/net.json") << kNetwork;
  write_digits(digits_, folder_, "train");
  TrainCommand command;
  command.common.quiet = true;
  command.common.threads = 1;
  command.net = folder_ + "/net.json";
  command.data = folder_;
  command.recipe = recipe;
  std::string files[2];
  for (const uint64_t seed : {2u, 3u}) {
    write_digits(make_digits(100, seed), folder_, "t10k");
    command.output.path = folder_ + "/" + std::to_string(seed) + ".dcf";
    ASSERT_EQ(train(command), 0);
    files[seed - 2] = read_bytes(command.output.path);
  }
  EXPECT_FALSE(files[0].empty());
  EXPECT_EQ(files[0], files[1]);
}

}  // namespace
}  // namespace dcf::tools
