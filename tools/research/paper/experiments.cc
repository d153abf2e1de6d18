// SPDX-License-Identifier: Apache-2.0
#include "research/paper/experiments.h"

#include <dcf/dcf_encode.h>
#include <fmt/format.h>

#include <algorithm>

#include "formats/dcf_error.h"
#include "research/paper/svd.h"

namespace dcf::tools {
namespace {

// Codes are bytes and zero has one of its own.
constexpr uint32_t kMostClusters = 255;

void check(dcf_status status, const dcf_error& error) {
  if (status != DCF_OK) throw_dcf_error("clustering", status, error, nullptr);
}

double percent_of(uint64_t part, uint64_t whole) {
  return 100 * static_cast<double>(part) / static_cast<double>(whole);
}

Curve quantise_only(const Trainable& net) {
  Curve curve{"quantisation only", {}};
  for (uint32_t bits = 1; bits <= 6; ++bits) {
    const std::vector<uint32_t> clusters(net.dense.size(), 1u << bits);
    const NetWeights tuned = net.finetune(fmt::format("quantise{}", bits),
                                          cluster(net.dense, clusters, DCF_INIT_LINEAR, 0));
    curve.points.push_back({percent_of(coded_bytes(tuned, DCF_POSITIONS_DENSE), dense_bytes(tuned)),
                            net.error(tuned)});
  }
  return curve;
}

Curve low_rank(const Trainable& net) {
  std::vector<Svd> decompositions;
  for (const LayerWeights& layer : net.dense) {
    decompositions.emplace_back(layer.weights, layer.rows(), layer.cols());
  }
  Curve curve{"SVD", {}};
  for (const double share : {0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7}) {
    NetWeights reduced = net.dense;
    uint64_t numbers = 0;
    for (size_t i = 0; i < reduced.size(); ++i) {
      LayerWeights& layer = reduced[i];
      const Svd& svd = decompositions[i];
      const auto rank = std::max<uint64_t>(
          1, static_cast<uint64_t>(share * static_cast<double>(svd.full_rank())));
      const uint64_t factors = rank * (layer.rows() + layer.cols());
      numbers += layer.biases.size() + std::min<uint64_t>(factors, layer.weights.size());
      if (factors < layer.weights.size()) layer.weights = svd.truncated(rank);
    }
    curve.points.push_back(
        {percent_of(numbers * sizeof(float), dense_bytes(reduced)), net.error(reduced)});
  }
  return curve;
}

}  // namespace

NetWeights cluster(const NetWeights& net, const std::vector<uint32_t>& clusters, dcf_init init,
                   uint64_t seed) {
  NetWeights shared = net;
  for (size_t i = 0; i < shared.size(); ++i) {
    std::vector<float>& w = shared[i].weights;
    dcf_share_options options;
    dcf_share_options_init(&options);
    options.clusters = std::min(clusters[i], kMostClusters);
    options.init = init;
    options.seed = seed;
    std::vector<float> codebook(options.clusters);
    std::vector<uint8_t> codes(w.size());
    uint32_t size = 0;
    dcf_error error = DCF_ERROR_INIT;
    check(dcf_share(w.data(), nullptr, nullptr, w.size(), &options, codebook.data(), &size,
                    codes.data(), &error),
          error);
    check(dcf_expand(codes.data(), w.size(), codebook.data(), size, w.data(), &error), error);
  }
  return shared;
}

std::vector<Curve> compare_methods(const Trainable& net, const std::vector<double>& scales) {
  Curve both{"pruning + quantisation", {}};
  Curve pruning{"pruning only", {}};
  for (const double scale : scales) {
    std::vector<double> densities = net.densities;
    for (double& d : densities) d = std::min(1.0, d * scale);
    const std::string name = fmt::format("density{:.0f}", 1000 * scale);
    const NetWeights pruned = net.prune(name, densities);
    pruning.points.push_back(
        {percent_of(coded_bytes(pruned, DCF_POSITIONS_GAP), dense_bytes(pruned)),
         net.error(pruned)});
    const NetWeights tuned = net.finetune(name, cluster(pruned, net.clusters, DCF_INIT_LINEAR, 0));
    both.points.push_back(
        {percent_of(coded_bytes(tuned, DCF_POSITIONS_GAP), dense_bytes(tuned)), net.error(tuned)});
  }
  return {both, pruning, quantise_only(net), low_rank(net)};
}

std::vector<InitCurve> compare_inits(const Trainable& net, const NetWeights& pruned, uint64_t seed,
                                     bool finetune) {
  constexpr std::pair<const char*, dcf_init> kInits[] = {
      {"linear", DCF_INIT_LINEAR}, {"density", DCF_INIT_DENSITY}, {"forgy", DCF_INIT_FORGY}};
  std::vector<InitCurve> curves;
  for (const auto& [name, init] : kInits) {
    InitCurve curve{name, {}};
    for (uint32_t bits = 2; bits <= 8; ++bits) {
      const std::vector<uint32_t> clusters(pruned.size(), (1u << bits) - 1);
      const NetWeights shared = cluster(pruned, clusters, init, seed);
      InitPoint point{bits, net.error(shared), {}};
      if (finetune) {
        point.finetuned = net.error(net.finetune(fmt::format("{}{}", name, bits), shared));
      }
      curve.points.push_back(point);
    }
    curves.push_back(std::move(curve));
  }
  return curves;
}

}  // namespace dcf::tools
