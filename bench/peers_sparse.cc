// SPDX-License-Identifier: Apache-2.0
#include "peers.h"

#if DCF_HAVE_EIGEN
#include <Eigen/SparseCore>
#endif

namespace dcf::bench {
namespace {

// Plain compressed sparse rows of floats, as a first program has them.
struct Csr {
  uint64_t rows;
  uint64_t cols;
  std::span<const uint64_t> row_ptr;
  std::span<const uint32_t> col;
  std::vector<float> values;
};

void multiply(const Csr& w, const float* x, float* y) {
  for (uint64_t row = 0; row < w.rows; ++row) {
    float sum = 0;
    for (uint64_t i = w.row_ptr[row]; i < w.row_ptr[row + 1]; ++i) {
      sum += w.values[i] * x[w.col[i]];
    }
    y[row] = sum;
  }
}

// Several inputs side by side, so that a weight is loaded once; transposes both ways.
void multiply_batch(const Csr& w, uint64_t batch, const float* x, float* y,
                    std::vector<float>* xt) {
  xt->resize(w.cols * batch);
  for (uint64_t b = 0; b < batch; ++b) {
    for (uint64_t c = 0; c < w.cols; ++c) (*xt)[c * batch + b] = x[b * w.cols + c];
  }
  std::vector<float> sums(batch);
  for (uint64_t row = 0; row < w.rows; ++row) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    for (uint64_t i = w.row_ptr[row]; i < w.row_ptr[row + 1]; ++i) {
      const float value = w.values[i];
      const float* const from = xt->data() + w.col[i] * batch;
      for (uint64_t b = 0; b < batch; ++b) sums[b] += value * from[b];
    }
    for (uint64_t b = 0; b < batch; ++b) y[b * w.rows + row] = sums[b];
  }
}

Peer plain_csr(const SparseWeights& weights, uint64_t batch) {
  auto w = std::make_shared<Csr>(
      Csr{weights.rows(), weights.cols(), weights.row_ptr, weights.col, weights.values()});
  if (batch == 1) return {"CSR", [w](const float* x, float* y) { multiply(*w, x, y); }};
  auto transposed = std::make_shared<std::vector<float>>();
  return {"CSR", [w, batch, transposed](const float* x, float* y) {
            multiply_batch(*w, batch, x, y, transposed.get());
          }};
}

#if DCF_HAVE_EIGEN
Peer eigen(const SparseWeights& weights, uint64_t batch) {
  using Matrix = Eigen::SparseMatrix<float, Eigen::RowMajor, int>;
  const auto rows = static_cast<int>(weights.rows());
  const auto cols = static_cast<int>(weights.cols());
  const std::vector<int> row_ptr(weights.row_ptr.begin(), weights.row_ptr.end());
  const std::vector<int> col(weights.col.begin(), weights.col.end());
  const std::vector<float> values = weights.values();
  auto w = std::make_shared<Matrix>(
      Eigen::Map<const Matrix>(rows, cols, static_cast<Eigen::Index>(values.size()), row_ptr.data(),
                               col.data(), values.data()));
  const auto n = static_cast<Eigen::Index>(batch);
  // Eigen's dense matrices are stored by columns: one input after the other.
  if (batch == 1) {
    return {"Eigen", [=](const float* x, float* y) {
              Eigen::Map<Eigen::VectorXf>(y, rows).noalias() =
                  *w * Eigen::Map<const Eigen::VectorXf>(x, cols);
            }};
  }
  return {"Eigen", [=](const float* x, float* y) {
            Eigen::Map<Eigen::MatrixXf>(y, rows, n).noalias() =
                *w * Eigen::Map<const Eigen::MatrixXf>(x, cols, n);
          }};
}
#endif

}  // namespace

std::vector<Peer> sparse_peers(const SparseWeights& weights, uint64_t batch) {
  std::vector<Peer> peers = {plain_csr(weights, batch)};
#if DCF_HAVE_EIGEN
  peers.push_back(eigen(weights, batch));
#endif
  return peers;
}

std::vector<std::string> sparse_peer_names() {
  return {"CSR", "Eigen"};
}

}  // namespace dcf::bench
