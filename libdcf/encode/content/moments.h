// SPDX-License-Identifier: Apache-2.0
// Second moments of the inputs of a tensor: what an error of a weight means to the outputs. A
// tensor is a matrix W of outputs x inputs here, and E|W x - W' x|^2 over inputs x is the sum of d
// M d^T over the rows d of W - W', where M = E[x x^T].
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace dcf::impl::encode {

// How moments were used.
enum class MomentsUse : uint32_t {
  kNone,     // the tensor was not rounded
  kMatrix,   // as the matrix that they are
  kVectors,  // as a diagonal matrix and one of rank one
};

// Borrowed. Rows are divided into `groups` equal parts, one after the other, each of which has
// moments of its own, as channels of a grouped convolution do.
struct Moments {
  uint64_t groups = 1;
  bool inputs_first = false;           // the last dimension is the outputs, not the first one
  std::span<const float> matrix;       // [groups, cols, cols], or empty
  std::span<const float> mean;         // [groups, cols] both, or both empty
  std::span<const float> mean_square;  // the diagonal of M
  uint64_t inputs = 0;                 // of each group, that M is the mean of; 0: many
  MomentsUse* use = nullptr;           // out, unless NULL
};

struct MatrixShape {
  uint64_t rows = 0;
  uint64_t cols = 0;
};

// The matrix of a tensor. The first dimension is the rows and all others together are the columns;
// where inputs are first, the last dimension is the rows and all others are the columns.
MatrixShape matrix_shape(std::span<const uint64_t> dims, uint64_t elements, bool inputs_first);

// Whether the sizes are those of this tensor. InvalidArgument. Looks at no number.
Status check_moments(const Moments& moments, std::span<const uint64_t> dims, uint64_t elements);

// Whether the numbers of one group may be moments: finite, none on the diagonal negative,
// symmetric, none off the diagonal beyond what the diagonal allows (Cauchy-Schwarz).
// InvalidArgument. Numbers may be as inexact as bf16 is.
Status check_matrix(std::span<const float> matrix, uint64_t cols);
Status check_vectors(std::span<const float> mean, std::span<const float> mean_square);

}  // namespace dcf::impl::encode
