// SPDX-License-Identifier: Apache-2.0
#include "research/train/optimizer.h"

#include <cmath>

namespace dcf::tools {
namespace {

constexpr float kBeta1 = 0.9f;
constexpr float kBeta2 = 0.999f;
constexpr float kEpsilon = 1e-8f;

struct AdamRule {
  float keep;        // 1 - rate * decay
  float rate;        // with the correction of the first moment
  float correction;  // of the second moment's root
};

// One pass over memory; a chain of tensor operations would take eight.
void move(const AdamRule& rule, int64_t n, const float* gradient, float* first, float* second,
          float* value) {
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i];
    first[i] = kBeta1 * first[i] + (1 - kBeta1) * g;
    second[i] = kBeta2 * second[i] + (1 - kBeta2) * g * g;
    const float scale = std::sqrt(second[i]) * rule.correction + kEpsilon;
    value[i] = value[i] * rule.keep - rule.rate * first[i] / scale;
  }
}

void move_with_momentum(float rate, float momentum, float decay, int64_t n, const float* gradient,
                        float* velocity, float* value) {
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] + decay * value[i];
    velocity[i] = momentum * velocity[i] + g;
    value[i] -= rate * (g + momentum * velocity[i]);
  }
}

}  // namespace

Optimizer::Optimizer(const std::vector<torch::Tensor>& like, double momentum)
    : momentum_(momentum) {
  for (const torch::Tensor& t : like) {
    first_.push_back(torch::zeros(t.sizes()));
    if (momentum == 0) second_.push_back(torch::zeros(t.sizes()));
  }
}

void Optimizer::step(std::vector<torch::Tensor>& values,
                     const std::vector<torch::Tensor>& gradients, double rate, double decay) {
  ++steps_;
  const double correct1 = 1 - std::pow(double{kBeta1}, static_cast<double>(steps_));
  const double correct2 = 1 - std::pow(double{kBeta2}, static_cast<double>(steps_));
  for (size_t i = 0; i < values.size(); ++i) {
    const double own_decay = values[i].dim() > 1 ? decay : 0;
    const torch::Tensor gradient = gradients[i].contiguous();
    const int64_t n = values[i].numel();
    const float* const g = gradient.data_ptr<float>();
    float* const first = first_[i].data_ptr<float>();
    float* const value = values[i].data_ptr<float>();
    if (momentum_ != 0) {
      move_with_momentum(static_cast<float>(rate), static_cast<float>(momentum_),
                         static_cast<float>(own_decay), n, g, first, value);
    } else {
      const AdamRule rule{static_cast<float>(1 - rate * own_decay),
                          static_cast<float>(rate / correct1),
                          static_cast<float>(1 / std::sqrt(correct2))};
      move(rule, n, g, first, second_[i].data_ptr<float>(), value);
    }
  }
}

std::vector<torch::Tensor> Optimizer::state() const {
  std::vector<torch::Tensor> all = first_;
  all.insert(all.end(), second_.begin(), second_.end());
  return all;
}

}  // namespace dcf::tools
