// SPDX-License-Identifier: Apache-2.0
// Low rank, the method that the paper compares with.
#pragma once

#include <cstdint>
#include <vector>

namespace dcf::tools {

// Singular value decomposition of a matrix of rows x cols, row-major, by one-sided Jacobi rotations
// (Hestenes, 1958).
class Svd {
 public:
  Svd(const std::vector<float>& matrix, uint64_t rows, uint64_t cols);

  uint64_t full_rank() const { return n_; }
  const std::vector<double>& singular_values() const { return sigma_; }  // falling
  // The nearest matrix of this rank, in the shape of the given one.
  std::vector<float> truncated(uint64_t rank) const;

 private:
  bool transposed_;
  uint64_t n_;  // the lesser of rows and cols
  uint64_t m_;
  // n vectors of length m, orthogonal: the rows of the matrix (or columns, if those are fewer),
  // rotated; and the rotations, n x n.
  std::vector<double> vectors_;
  std::vector<double> rotations_;
  std::vector<double> sigma_;
  std::vector<uint64_t> order_;
};

}  // namespace dcf::tools
