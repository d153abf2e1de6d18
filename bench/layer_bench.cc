// SPDX-License-Identifier: Apache-2.0
// Products with fully connected layers of AlexNet's and VGG-16's shapes and densities (synthetic),
// at batch 1, 8 and 64, of dense inputs and of inputs with zeros as after a ReLU, against dense and
// sparse products of others. One thread; results are compared with a product in double.
#include <algorithm>
#include <cmath>

#include "data.h"
#include "harness.h"
#include "layers.h"
#include "peers.h"

namespace dcf::bench {
namespace {

// `active` of them from a Gaussian, as a ReLU leaves them: not negative; the rest zero.
std::vector<float> inputs(uint64_t count, double active, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> x(count);
  for (float& value : x) {
    const auto drawn = static_cast<float>(gaussian(&random));
    value = uniform(&random) > active ? 0 : active < 1 ? std::abs(drawn) : drawn;
  }
  return x;
}

class LayerBench {
 public:
  LayerBench(const LayerShape& shape, Suite* suite)
      : suite_(suite),
        shape_(shape),
        weights_(make_weights({shape.rows, shape.cols}, shape.density, shape.clusters, 1)),
        dense_(weights_.dense()),
        bytes_(dcf_bytes(weights_)),
        file_(open_bytes(bytes_, 1)) {}

  void run(uint64_t batch, bool with_relu) {
    batch_ = batch;
    y_.assign(batch * shape_.rows, 0);
    std::vector<Peer> peers = dense_peers(dense_, shape_.rows, shape_.cols, batch);
    for (Peer& peer : sparse_peers(weights_, batch)) peers.push_back(std::move(peer));
    for (const bool relu : {false, true}) {
      if (relu && !with_relu) continue;
      x_ = inputs(batch * shape_.cols, relu ? shape_.active : 1, batch);
      make_expected();
      const std::string table = (relu ? "relu " : "batch ") + std::to_string(batch);
      for (const Peer& peer : peers) add(table, peer);
      add_own(table, relu ? shape_.active : 1);
      suite_->run();
    }
  }

  // What a product of batch 1 has to read, for the energy model.
  void count_work() {
    const auto count = [&](const char* what, uint64_t value) {
      suite_->fact({"work", shape_.name, what}, static_cast<double>(value));
    };
    count("dense bytes", dense_.size() * sizeof(float));
    count("packed bytes", describe(prepare(file_, LayerChoice{}).get()).packed_bytes);
    count("input and output bytes", (shape_.rows + shape_.cols) * sizeof(float));
    count("nonzeros", weights_.nonzeros());
  }

 private:
  void make_expected() {
    expected_.assign(batch_ * shape_.rows, 0);
    for (uint64_t b = 0; b < batch_; ++b) {
      for (uint64_t row = 0; row < shape_.rows; ++row) {
        double sum = 0;
        for (uint64_t i = weights_.row_ptr[row]; i < weights_.row_ptr[row + 1]; ++i) {
          sum += static_cast<double>(weights_.codebook[weights_.codes[i]]) *
                 x_[b * shape_.cols + weights_.col[i]];
        }
        expected_[b * shape_.rows + row] = sum;
      }
    }
  }

  void check(const std::string& name) const {
    constexpr double kRounding = 1e-4;  // of the root mean square of the results
    double square = 0;
    double worst = 0;
    for (size_t i = 0; i < expected_.size(); ++i) {
      square += expected_[i] * expected_[i];
      worst = std::max(worst, std::abs(expected_[i] - y_[i]));
    }
    require(worst <= kRounding * std::sqrt(square / static_cast<double>(expected_.size())),
            name + " gives another product with " + shape_.name);
  }

  // input_density: of x_, which may speak for another kernel.
  void add_own(const std::string& table, double input_density) {
    for (const auto& [column, kernel] :
         {std::pair<const char*, const char*>("dcf dense", "dense"), {"dcf", nullptr}}) {
      const auto layer =
          std::make_shared<Layer>(prepare(file_, {batch_, 1, kernel, input_density}));
      add(table, {column, [this, layer](const float* x, float* y) {
                    apply(layer->get(), {x, x_.size()}, {y, y_.size()}, batch_);
                  }});
      if (kernel == nullptr)
        suite_->fact({table, shape_.name, "kernel"}, describe(layer->get()).kernel);
    }
    if (batch_ > 1) return;  // dcf_tensor_matvec takes one sample
    add(table, {"dcf matvec", [this](const float* x, float* y) {
                  dcf_error error = DCF_ERROR_INIT;
                  bench::check(
                      dcf_tensor_matvec(file_.get(), 0, x, x_.size(), y, y_.size(), &error), error);
                }});
  }

  void add(const std::string& table, const Peer& peer) {
    std::fill(y_.begin(), y_.end(), std::nanf(""));
    peer.apply(x_.data(), y_.data());
    check(peer.name);
    suite_->time({table, shape_.name, peer.name}, static_cast<double>(weights_.nonzeros() * batch_),
                 [this, apply = peer.apply] { apply(x_.data(), y_.data()); });
  }

  Suite* suite_;
  LayerShape shape_;
  SparseWeights weights_;
  std::vector<float> dense_;
  std::vector<uint8_t> bytes_;
  File file_;
  uint64_t batch_ = 0;
  std::vector<float> x_;
  std::vector<float> y_;
  std::vector<double> expected_;
};

void run(Suite* suite) {
  use_one_thread();
  const SparseWeights small = make_weights({8, 8}, 0.5, 4, 1);
  const std::vector<float> dense = small.dense();
  leave_out_missing(dense_peer_names(), dense_peers(dense, 8, 8, 1), suite);
  leave_out_missing(sparse_peer_names(), sparse_peers(small, 1), suite);
  for (const LayerShape& shape : fc_layers()) {
    if (!suite->wants(shape.name)) continue;
    LayerBench bench(shape, suite);
    bench.count_work();
    bench.run(1, true);
    if (!suite->quick()) bench.run(8, true);
    bench.run(64, !suite->quick());
  }
}

}  // namespace
}  // namespace dcf::bench

int main(int argc, char** argv) {
  return dcf::bench::guarded(argc, argv, "dcf_bench_layer", dcf::bench::run);
}
