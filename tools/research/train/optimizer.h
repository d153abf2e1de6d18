// SPDX-License-Identifier: Apache-2.0
// The rules that move weights: stochastic gradients with Nesterov's momentum (Sutskever, Martens,
// Dahl, Hinton, 2013), and Adam (Kingma, Ba, 2015) with decoupled weight decay (Loshchilov, Hutter,
// 2019).
#pragma once

#include <torch/torch.h>

#include <vector>

namespace dcf::tools {

class Optimizer {
 public:
  // Tensors whose shapes the optimiser follows. A momentum of 0 chooses Adam.
  Optimizer(const std::vector<torch::Tensor>& like, double momentum);

  // values[i] moves along gradients[i]; decay applies to tensors of more than one dimension.
  void step(std::vector<torch::Tensor>& values, const std::vector<torch::Tensor>& gradients,
            double rate, double decay);

  // All that a resumed run needs, in place.
  std::vector<torch::Tensor> state() const;
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  double momentum_;
  int64_t steps_ = 0;
  std::vector<torch::Tensor> first_;   // moments of the gradients, or velocities
  std::vector<torch::Tensor> second_;  // Adam's alone
};

}  // namespace dcf::tools
