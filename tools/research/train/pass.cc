// SPDX-License-Identifier: Apache-2.0
#include <dcf/dcf_encode.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>

#include "research/train/check.h"
#include "research/train/digest.h"
#include "research/train/formulas.h"
#include "research/train/session.h"
#include "research/train/shared_weights.h"

namespace dcf::tools {
namespace {

constexpr size_t kEvaluationBatch = 500;

double rate_at(const Schedule& schedule, uint64_t step, uint64_t steps) {
  const double share = static_cast<double>(step) / static_cast<double>(steps);
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * share));
  return schedule.rate * (schedule.final_share + (1 - schedule.final_share) * cosine);
}

// Dropout in front of linear layers, as the network has it or else as the schedule asks, less where
// connections are gone (Han et al., 2015, equation 2).
DropoutRates dropout_rates(const Schedule& schedule, const TorchNet& net) {
  const auto& list = net.network().layers;
  DropoutRates rates(list.size());
  const bool own =
      std::any_of(list.begin(), list.end(), [](const Layer& l) { return l.op == Op::kDropout; });
  size_t next = 0;
  double pending = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].op == Op::kDropout) pending = list[i].rate;
    if (!list[i].has_weights()) continue;
    const Parameters& p = net.layers()[next];
    if (!own && list[i].op == Op::kLinear) {
      pending = next == 0 ? schedule.input_dropout : schedule.dropout;
    }
    // Counting what is kept costs a look at every weight.
    if (pending > 0) rates[i] = dropout_rate(pending, p.kept(), p.size());
    pending = 0;
    ++next;
  }
  return rates;
}

torch::Tensor loss_of(const Recipe& recipe, const torch::Tensor& logits, const Batch& batch,
                      const TorchNet* teacher) {
  namespace F = torch::nn::functional;
  const torch::Tensor plain = F::cross_entropy(
      logits, batch.y, F::CrossEntropyFuncOptions().label_smoothing(recipe.label_smoothing));
  if (teacher == nullptr || recipe.distill == 0) return plain;
  // Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", 2015.
  const double t = recipe.temperature;
  torch::Tensor wanted;
  {
    const torch::NoGradGuard no_grad;
    wanted = torch::softmax(teacher->forward(batch.x, {}) / t, 1);
  }
  const torch::Tensor soft = -(wanted * torch::log_softmax(logits / t, 1)).sum(1).mean();
  return (1 - recipe.distill) * plain + recipe.distill * t * t * soft;
}

// Shortens gradients that are together longer than `longest` (Pascanu, Mikolov, Bengio, "On the
// difficulty of training recurrent neural networks", 2013).
void clip(double longest, std::vector<torch::Tensor>* gradients) {
  double squares = 0;
  for (const torch::Tensor& g : *gradients) squares += g.square().sum().item<double>();
  if (squares <= longest * longest) return;
  for (torch::Tensor& g : *gradients) g.mul_(longest / std::sqrt(squares));
}

// The tensors that a pass moves, and their gradients after a backward pass.
class Mover {
 public:
  Mover(Moves moves, TorchNet* net) : moves_(moves), net_(net) {
    for (Parameters& p : net->layers()) {
      if (moves == Moves::kCentroids) {
        values_.push_back(
            torch::from_blob(p.codebook.data(), {static_cast<int64_t>(p.codebook.size())}).clone());
      } else if (moves == Moves::kShared) {
        values_.push_back(p.weight.detach().clone());
      } else {
        values_.push_back(p.weight.detach());
      }
      values_.push_back(p.bias.detach());
    }
  }

  std::vector<torch::Tensor>& values() { return values_; }

  std::vector<torch::Tensor> gradients() const {
    std::vector<torch::Tensor> all;
    for (const Parameters& p : net_->layers()) {
      torch::Tensor g = p.weight.grad();
      if (moves_ == Moves::kCentroids) {
        g = centroid_gradients(p, g);
      } else if (!p.mask.empty()) {
        check(dcf_apply_mask(g.data_ptr<float>(), p.mask.data(), p.size(), nullptr));
      }
      all.push_back(g);
      all.push_back(p.bias.grad());
    }
    return all;
  }

  // Puts what moved into the network.
  void apply(double lambda) {
    for (size_t i = 0; i < net_->layers().size(); ++i) {
      Parameters& p = net_->layers()[i];
      if (moves_ == Moves::kWeights) {
        p.restore();
      } else if (moves_ == Moves::kShared) {
        follow_weights(values_[2 * i].data_ptr<float>(), lambda, &p);
      } else {
        const float* c = values_[2 * i].data_ptr<float>();
        p.codebook.assign(c, c + values_[2 * i].numel());
        p.restore();
      }
    }
  }

 private:
  Moves moves_;
  TorchNet* net_;
  std::vector<torch::Tensor> values_;
};

}  // namespace

void run_pass(const Session& session, const Pass& pass, const TorchNet* teacher, TorchNet* net) {
  const Recipe& recipe = session.recipe;
  const std::string file = session.work + "/" + pass.name;
  if (load_state(file + ".done", net, nullptr)) return;
  Mover mover(pass.moves, net);
  Optimizer optimizer(mover.values(), pass.schedule.momentum);
  uint64_t first_epoch = 0;
  const uint64_t per_epoch = (session.training->size() + recipe.batch - 1) / recipe.batch;
  const uint64_t steps = per_epoch * pass.schedule.epochs;
  std::vector<torch::Tensor> resumed;
  if (load_state(file + ".part", net, &resumed)) {
    const torch::NoGradGuard no_grad;
    first_epoch = static_cast<uint64_t>(resumed.back().item<int64_t>());
    optimizer.set_steps(static_cast<int64_t>(first_epoch * per_epoch));
    std::vector<torch::Tensor> targets = optimizer.state();
    targets.insert(targets.end(), mover.values().begin(), mover.values().end());
    for (size_t i = 0; i < targets.size(); ++i) targets[i].copy_(resumed[i]);
  }
  const uint64_t pass_seed = mix_seed(session.seed, digest(pass.name));
  for (uint64_t epoch = first_epoch; epoch < pass.schedule.epochs; ++epoch) {
    Random random(mix_seed(pass_seed, epoch));
    torch::manual_seed(random.next());
    const std::vector<uint32_t> order = session.training->shuffled(&random);
    for (uint64_t b = 0; b < per_epoch; ++b) {
      const uint64_t step = epoch * per_epoch + b;
      if (pass.before_step) pass.before_step(net, step, steps);
      const uint64_t at = b * recipe.batch;
      const auto count = std::min<uint64_t>(recipe.batch, order.size() - at);
      const Batch batch =
          session.training->batch(std::span(order).subspan(at, count), recipe.shift, &random);
      for (Parameters& p : net->layers()) {
        p.weight.mutable_grad() = torch::Tensor();
        p.bias.mutable_grad() = torch::Tensor();
      }
      const torch::Tensor loss = loss_of(
          recipe, net->forward(batch.x, dropout_rates(pass.schedule, *net)), batch, teacher);
      loss.backward();
      std::vector<torch::Tensor> gradients = mover.gradients();
      if (recipe.clip > 0) clip(recipe.clip, &gradients);
      optimizer.step(mover.values(), gradients, rate_at(pass.schedule, step, steps),
                     pass.schedule.weight_decay);
      mover.apply(recipe.lambda);
      session.advance(pass.name, step + 1, steps);
    }
    std::vector<torch::Tensor> more = optimizer.state();
    more.insert(more.end(), mover.values().begin(), mover.values().end());
    more.push_back(torch::tensor(static_cast<int64_t>(epoch + 1)));
    save_state(file + ".part", *net, more);
  }
  save_state(file + ".done", *net, {});
  std::filesystem::remove(file + ".part");
}

std::vector<uint8_t> mistakes(const TorchNet& net, const Samples& samples) {
  const torch::NoGradGuard no_grad;
  std::vector<uint8_t> wrong;
  for (size_t at = 0; at < samples.size(); at += kEvaluationBatch) {
    const Batch batch = samples.batch(at, std::min(kEvaluationBatch, samples.size() - at));
    const torch::Tensor differ = net.forward(batch.x, {}).argmax(1).ne(batch.y).to(torch::kByte);
    wrong.insert(wrong.end(), differ.data_ptr<uint8_t>(),
                 differ.data_ptr<uint8_t>() + differ.numel());
  }
  return wrong;
}

double error_percent(const std::vector<uint8_t>& mistakes) {
  const auto wrong = static_cast<double>(std::count(mistakes.begin(), mistakes.end(), 1));
  return 100 * wrong / static_cast<double>(mistakes.size());
}

double error_percent(const TorchNet& net, const Samples& samples) {
  return error_percent(mistakes(net, samples));
}

}  // namespace dcf::tools
