// SPDX-License-Identifier: Apache-2.0
// The paper's figures 6 and 7 on a network that is small enough to train.
#pragma once

#include <dcf/dcf_write.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "research/paper/coded_size.h"

namespace dcf::tools {

// What experiments ask of whoever trains. Errors are percent of validation data.
struct Trainable {
  NetWeights dense;
  std::vector<double> densities;   // of the paper, layer by layer
  std::vector<uint32_t> clusters;  // at most, layer by layer
  std::function<double(const NetWeights&)> error;
  // Keeps these shares of the dense net's layers and retrains. Equal names may be done only once.
  std::function<NetWeights(const std::string& name, const std::vector<double>& densities)> prune;
  // Trains centroids and biases; equal nonzero weights of a layer are one centroid, and zeros of a
  // layer stay where they are many.
  std::function<NetWeights(const std::string& name, const NetWeights& clustered)> finetune;
};

// Shares the nonzero weights of every layer, without training.
NetWeights cluster(const NetWeights& net, const std::vector<uint32_t>& clusters, dcf_init init,
                   uint64_t seed);

struct CurvePoint {
  double percent;  // size, of float32
  double error;
};
struct Curve {
  std::string name;
  std::vector<CurvePoint> points;
};
// Error against size for pruning and quantisation, pruning only, quantisation only, SVD. `scales`
// multiply the densities.
std::vector<Curve> compare_methods(const Trainable& net, const std::vector<double>& scales);

struct InitPoint {
  uint32_t bits;
  double clustered;                 // error
  std::optional<double> finetuned;  // error
};
struct InitCurve {
  std::string name;
  std::vector<InitPoint> points;
};
// Linear, density and Forgy initialisation of a pruned net's clusters, 2 to 8 bits in every layer.
std::vector<InitCurve> compare_inits(const Trainable& net, const NetWeights& pruned, uint64_t seed,
                                     bool finetune);

}  // namespace dcf::tools
