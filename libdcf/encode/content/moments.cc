// SPDX-License-Identifier: Apache-2.0
#include "encode/content/moments.h"

#include <algorithm>
#include <cmath>

#include "base/checked.h"

namespace dcf::impl::encode {
namespace {

// Moments in bf16 are inexact by 2^-9 each. Where many inputs were summed in f32, small numbers are
// inexact by a part of the others.
constexpr double kRelative = 0.02;
constexpr double kOfMean = 1e-4;

// Blocks of a matrix whose mirror images are in the cache together.
constexpr size_t kMomentTile = 32;

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

bool is_size(size_t size, uint64_t groups, uint64_t cols, uint64_t of_col) {
  uint64_t product = 0;
  return checked_mul(groups, cols, &product) && checked_mul(product, of_col, &product) &&
         product == size;
}

}  // namespace

MatrixShape matrix_shape(std::span<const uint64_t> dims, uint64_t elements, bool inputs_first) {
  MatrixShape shape;
  shape.rows = dims.empty() ? 1 : inputs_first ? dims.back() : dims.front();
  shape.cols = shape.rows == 0 ? 0 : elements / shape.rows;
  return shape;
}

Status check_moments(const Moments& moments, std::span<const uint64_t> dims, uint64_t elements) {
  const MatrixShape shape = matrix_shape(dims, elements, moments.inputs_first);
  if (moments.groups == 0 || shape.rows % moments.groups != 0) {
    return invalid("the groups of the moments do not divide the rows of the tensor");
  }
  if (moments.matrix.empty() && moments.mean.empty()) return invalid("there are no moments");
  if (!moments.matrix.empty() &&
      !is_size(moments.matrix.size(), moments.groups, shape.cols, shape.cols)) {
    return invalid("the matrix of moments is not that of the columns of the tensor");
  }
  if (moments.mean.size() != moments.mean_square.size() ||
      (!moments.mean.empty() && !is_size(moments.mean.size(), moments.groups, shape.cols, 1))) {
    return invalid("the means and mean squares are not those of the columns of the tensor");
  }
  return ok_status();
}

Status check_matrix(std::span<const float> matrix, uint64_t cols) {
  if (!all_finite(matrix)) return invalid("the moments hold NaN or Inf");
  const auto n = static_cast<size_t>(cols);
  double mean = 0;
  for (size_t i = 0; i < n; ++i) {
    if (matrix[i * n + i] < 0) return invalid("a mean square among the moments is negative");
    mean += matrix[i * n + i];
  }
  mean /= static_cast<double>(n);
  const auto check = [&](size_t i, size_t j) {
    const double a = matrix[i * n + j];
    const double b = matrix[j * n + i];
    const double most = std::sqrt(double{matrix[i * n + i]} * matrix[j * n + j]);
    if (std::abs(a - b) > kRelative * most + kOfMean * mean) {
      return invalid("the matrix of moments is not symmetric");
    }
    if (std::abs(a) > (1 + kRelative) * most + kOfMean * mean) {
      return invalid("the matrix of moments is not positive semidefinite");
    }
    return ok_status();
  };
  for (size_t top = 0; top < n; top += kMomentTile) {
    for (size_t left = 0; left <= top; left += kMomentTile) {
      for (size_t i = top; i < std::min(top + kMomentTile, n); ++i) {
        for (size_t j = left; j < std::min(left + kMomentTile, i); ++j) DCF_TRY(check(i, j));
      }
    }
  }
  return ok_status();
}

Status check_vectors(std::span<const float> mean, std::span<const float> mean_square) {
  if (!all_finite(mean) || !all_finite(mean_square)) {
    return invalid("the means or mean squares hold NaN or Inf");
  }
  double sum = 0;
  for (const float square : mean_square) {
    if (square < 0) return invalid("a mean square is negative");
    sum += square;
  }
  const double least = kOfMean * sum / static_cast<double>(std::max<size_t>(mean.size(), 1));
  for (size_t i = 0; i < mean.size(); ++i) {
    if (double{mean[i]} * mean[i] > (1 + kRelative) * mean_square[i] + least) {
      return invalid("a mean square is less than the square of its mean");
    }
  }
  return ok_status();
}

}  // namespace dcf::impl::encode
