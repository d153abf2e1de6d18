// SPDX-License-Identifier: Apache-2.0
// Low rank, the method that the paper compares with.
#pragma once

#include <cstdint>
#include <vector>

namespace dcf::tools {

// Singular value decomposition of a matrix of rows x cols, row-major, by LAPACK through LibTorch,
// in double.
class Svd {
 public:
  Svd(const std::vector<float>& matrix, uint64_t rows, uint64_t cols);

  uint64_t full_rank() const { return sigma_.size(); }
  const std::vector<double>& singular_values() const { return sigma_; }  // falling
  // The nearest matrix of this rank in the Frobenius norm, rows x cols, row-major.
  std::vector<float> truncated(uint64_t rank) const;

 private:
  uint64_t rows_;
  uint64_t cols_;
  std::vector<double> sigma_;
  std::vector<double> u_;   // rows x full_rank
  std::vector<double> vh_;  // full_rank x cols
};

}  // namespace dcf::tools
