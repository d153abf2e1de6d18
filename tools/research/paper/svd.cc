// SPDX-License-Identifier: Apache-2.0
#include "research/paper/svd.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dcf::tools {
namespace {

// Four sums, so that additions need not wait for each other.
double dot(const double* a, const double* b, uint64_t n) {
  double sums[4] = {};
  uint64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (uint64_t k = 0; k < 4; ++k) sums[k] += a[i + k] * b[i + k];
  }
  for (; i < n; ++i) sums[0] += a[i] * b[i];
  return sums[0] + sums[1] + sums[2] + sums[3];
}

void rotate(double* a, double* b, uint64_t n, double c, double s) {
  for (uint64_t i = 0; i < n; ++i) {
    const double x = a[i];
    const double y = b[i];
    a[i] = c * x - s * y;
    b[i] = s * x + c * y;
  }
}

}  // namespace

Svd::Svd(const std::vector<float>& matrix, uint64_t rows, uint64_t cols)
    : transposed_(rows > cols), n_(std::min(rows, cols)), m_(std::max(rows, cols)) {
  vectors_.resize(n_ * m_);
  for (uint64_t r = 0; r < rows; ++r) {
    for (uint64_t c = 0; c < cols; ++c) {
      vectors_[transposed_ ? c * m_ + r : r * m_ + c] = double{matrix[r * cols + c]};
    }
  }
  rotations_.assign(n_ * n_, 0);
  for (uint64_t i = 0; i < n_; ++i) rotations_[i * n_ + i] = 1;
  // Float weights need no more: cosines of angles that are not right ones.
  constexpr double kTolerance = 1e-9;
  constexpr int kMaxSweeps = 40;
  std::vector<double> squares(n_);
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    for (uint64_t i = 0; i < n_; ++i) {
      squares[i] = dot(&vectors_[i * m_], &vectors_[i * m_], m_);
    }
    bool rotated = false;
    for (uint64_t i = 0; i + 1 < n_; ++i) {
      for (uint64_t j = i + 1; j < n_; ++j) {
        double* const a = &vectors_[i * m_];
        double* const b = &vectors_[j * m_];
        const double product = dot(a, b, m_);
        if (std::abs(product) <= kTolerance * std::sqrt(squares[i] * squares[j])) continue;
        rotated = true;
        const double zeta = (squares[j] - squares[i]) / (2 * product);
        const double t = std::copysign(1 / (std::abs(zeta) + std::hypot(1, zeta)), zeta);
        const double c = 1 / std::hypot(1, t);
        rotate(a, b, m_, c, c * t);
        rotate(&rotations_[i * n_], &rotations_[j * n_], n_, c, c * t);
        squares[i] -= t * product;
        squares[j] += t * product;
      }
    }
    if (!rotated) break;
  }
  order_.resize(n_);
  std::iota(order_.begin(), order_.end(), 0);
  std::vector<double> norms(n_);
  for (uint64_t i = 0; i < n_; ++i) {
    norms[i] = std::sqrt(dot(&vectors_[i * m_], &vectors_[i * m_], m_));
  }
  std::stable_sort(order_.begin(), order_.end(),
                   [&](uint64_t a, uint64_t b) { return norms[a] > norms[b]; });
  for (const uint64_t i : order_) sigma_.push_back(norms[i]);
}

std::vector<float> Svd::truncated(uint64_t rank) const {
  // vectors = rotations * matrix, so the matrix is the sum over i of rotations[i]^T vectors[i].
  std::vector<double> sum(n_ * m_);
  for (uint64_t k = 0; k < std::min(rank, n_); ++k) {
    const uint64_t i = order_[k];
    for (uint64_t r = 0; r < n_; ++r) {
      const double factor = rotations_[i * n_ + r];
      for (uint64_t c = 0; c < m_; ++c) sum[r * m_ + c] += factor * vectors_[i * m_ + c];
    }
  }
  std::vector<float> out(n_ * m_);
  for (uint64_t r = 0; r < n_; ++r) {
    for (uint64_t c = 0; c < m_; ++c) {
      out[transposed_ ? c * n_ + r : r * m_ + c] = static_cast<float>(sum[r * m_ + c]);
    }
  }
  return out;
}

}  // namespace dcf::tools
