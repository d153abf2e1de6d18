// SPDX-License-Identifier: Apache-2.0
// Convolutions of AlexNet's and VGG-16's shapes and densities (synthetic) on one image, im2col and
// packing of images included, against dense products with their im2col; beside them oneDNN's direct
// convolution. One thread; results are compared with the library's own, which sums in double.
#include <algorithm>
#include <cmath>

#include "data.h"
#include "harness.h"
#include "layers.h"
#include "peers.h"

namespace dcf::bench {
namespace {

class ConvBench {
 public:
  ConvBench(const ConvShape& shape, Suite* suite)
      : suite_(suite),
        shape_(shape),
        weights_(make_weights({shape.out, shape.in / shape.groups, shape.kernel, shape.kernel},
                              shape.density, shape.clusters, 1)),
        dense_(weights_.dense()),
        bytes_(dcf_bytes(weights_)),
        file_(open_bytes(bytes_, 1)) {
    std::mt19937_64 random(1);
    x_.resize(shape.in * shape.size * shape.size);
    for (float& value : x_) value = static_cast<float>(gaussian(&random));
    y_.resize(shape.out * shape.size * shape.size);
    expected_.resize(y_.size());
    const dcf_conv2d_shape conv = conv2d_shape(shape);
    dcf_error error = DCF_ERROR_INIT;
    check(dcf_tensor_conv2d(file_.get(), 0, &conv, x_.data(), x_.size(), expected_.data(),
                            expected_.size(), 1, &error),
          error);
  }

  void run() {
    for (const Peer& peer : conv_peers(dense_, shape_, x_.data())) add(peer);
    const Layer dense = prepare(file_, shape_, {1, 1, "conv-dense"});
    add({"dcf dense", [&](const float* x, float* y) {
           apply(dense.get(), {x, x_.size()}, {y, y_.size()}, 1);
         }});
    const Layer layer = prepare(file_, shape_, {});
    add({"dcf", [&](const float* x, float* y) {
           apply(layer.get(), {x, x_.size()}, {y, y_.size()}, 1);
         }});
    suite_->fact({"conv", shape_.name, "kernel"}, describe(layer.get()).kernel);
    suite_->run();
  }

 private:
  bool right() const {
    constexpr double kRounding = 1e-4;  // of the root mean square of the results
    double square = 0;
    double worst = 0;
    for (size_t i = 0; i < y_.size(); ++i) {
      square += static_cast<double>(expected_[i]) * expected_[i];
      worst = std::max(worst, std::abs(static_cast<double>(expected_[i]) - y_[i]));
    }
    return worst <= kRounding * std::sqrt(square / static_cast<double>(y_.size()));
  }

  void add(const Peer& peer) {
    std::fill(y_.begin(), y_.end(), std::nanf(""));
    peer.apply(x_.data(), y_.data());
    require(right(), peer.name + " gives other images with " + shape_.name);
    float* const y = peer.name.ends_with("direct") ? nullptr : y_.data();
    const uint64_t products = weights_.nonzeros() * shape_.size * shape_.size;
    suite_->time({"conv", shape_.name, peer.name}, static_cast<double>(products),
                 [this, apply = peer.apply, y] { apply(x_.data(), y); });
  }

  Suite* suite_;
  ConvShape shape_;
  SparseWeights weights_;
  std::vector<float> dense_;
  std::vector<uint8_t> bytes_;
  File file_;
  std::vector<float> x_;
  std::vector<float> y_;
  std::vector<float> expected_;
};

void run(Suite* suite) {
  use_one_thread();
  const ConvShape small = {"", 8, 8, 3, 1, 8, 1, 1};
  const std::vector<float> ones(8 * 8 * 3 * 3, 1.0f);
  leave_out_missing(conv_peer_names(), conv_peers(ones, small, ones.data()), suite);
  for (const ConvShape& shape : conv_layers()) {
    if (suite->wants(shape.name)) ConvBench(shape, suite).run();
  }
}

}  // namespace
}  // namespace dcf::bench

int main(int argc, char** argv) {
  return dcf::bench::guarded(argc, argv, "dcf_bench_conv", dcf::bench::run);
}
