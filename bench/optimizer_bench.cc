// SPDX-License-Identifier: Apache-2.0
// Why dcf train has optimizers of its own: time of one step, beside those of LibTorch that follow
// the same rule. Rounds alternate; medians of rounds, one thread. Built with DCF_BUILD_RESEARCH.
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "research/train/optimizer.h"

namespace dcf::tools {
namespace {

constexpr int kRounds = 31;
constexpr double kRate = 1e-3;
constexpr double kDecay = 1e-4;
constexpr double kMomentum = 0.9;

double microseconds(const std::function<void()>& call, int calls) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) call();
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  return took.count() / calls;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::vector<torch::Tensor> draw(const std::vector<std::vector<int64_t>>& shapes) {
  std::vector<torch::Tensor> out;
  for (const std::vector<int64_t>& shape : shapes) out.push_back(0.05 * torch::randn(shape));
  return out;
}

std::unique_ptr<torch::optim::Optimizer> theirs(const std::vector<torch::Tensor>& values,
                                                double momentum) {
  if (momentum == 0) {
    return std::make_unique<torch::optim::AdamW>(
        values, torch::optim::AdamWOptions(kRate).weight_decay(kDecay));
  }
  return std::make_unique<torch::optim::SGD>(
      values,
      torch::optim::SGDOptions(kRate).momentum(momentum).nesterov(true).weight_decay(kDecay));
}

void compare(const char* name, const std::vector<std::vector<int64_t>>& shapes, double momentum) {
  torch::manual_seed(1);
  std::vector<torch::Tensor> values = draw(shapes);
  const std::vector<torch::Tensor> gradients = draw(shapes);
  std::vector<torch::Tensor> copies;
  for (size_t i = 0; i < values.size(); ++i) {
    copies.push_back(values[i].clone());
    copies[i].mutable_grad() = gradients[i];
  }
  Optimizer ours(values, momentum);
  const std::unique_ptr<torch::optim::Optimizer> other = theirs(copies, momentum);
  int64_t weights = 0;
  for (const torch::Tensor& t : values) weights += t.numel();
  const int calls = static_cast<int>(std::max<int64_t>(1, 2'000'000 / weights));
  std::vector<double> own_times;
  std::vector<double> other_times;
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    own_times.push_back(microseconds([&] { ours.step(values, gradients, kRate, kDecay); }, calls));
    other_times.push_back(microseconds([&] { other->step(); }, calls));
    ratios.push_back(other_times.back() / own_times.back());
  }
  double apart = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].dim() > 1) {  // LibTorch decays biases, too
      apart = std::max(apart, (values[i] - copies[i]).abs().max().item<double>());
    }
  }
  std::printf("| %s | %s | %.1f | %.1f | %.2f | %.1e |\n", name,
              momentum == 0 ? "AdamW" : "Nesterov", median(own_times), median(other_times),
              median(ratios), apart);
}

int run() {
  torch::set_num_threads(1);
  std::printf(
      "| network | rule | ours, us a step | LibTorch, us a step | ratio | largest difference |\n");
  std::printf("|---|---|---|---|---|---|\n");
  for (const double momentum : {0.0, kMomentum}) {
    compare("LeNet-300-100", {{300, 784}, {300}, {100, 300}, {100}, {10, 100}, {10}}, momentum);
    compare("LeNet-5",
            {{20, 1, 5, 5}, {20}, {50, 20, 5, 5}, {50}, {500, 800}, {500}, {10, 500}, {10}},
            momentum);
    compare("MLP 784-4096-4096-10", {{4096, 784}, {4096}, {4096, 4096}, {4096}, {10, 4096}, {10}},
            momentum);
  }
  return 0;
}

}  // namespace
}  // namespace dcf::tools

int main() {
  return dcf::tools::run();
}
