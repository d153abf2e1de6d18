// SPDX-License-Identifier: Apache-2.0
#include "base/rank_one.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace dcf::impl {
namespace {

// The mean of inputs that are not centred is far above what is beside it, so that few passes do.
constexpr int kPasses = 6;

// Scales to length 1; false for a vector of zeros.
bool normalise(std::vector<double>* v) {
  double squares = 0;
  for (const double x : *v) squares += x * x;
  if (!(squares > 0)) return false;
  const double inverse = 1 / std::sqrt(squares);
  for (double& x : *v) x *= inverse;
  return true;
}

}  // namespace

void fit_rank_one(size_t n, const std::function<void(size_t i, std::span<float> row)>& read_row,
                  std::span<float> mean, std::span<float> mean_square) {
  std::vector<float> row(n);
  std::vector<double> direction(n, 1.0);
  std::vector<double> product(n);
  double value = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    if (!normalise(&direction)) break;
    value = 0;
    for (size_t i = 0; i < n; ++i) {
      read_row(i, row);
      double sum = 0;
      for (size_t j = 0; j < n; ++j) sum += row[j] * direction[j];
      product[i] = sum;
      value += sum * direction[i];
      mean_square[i] = row[i];
    }
    if (pass + 1 < kPasses) direction.swap(product);
  }
  const double length = std::sqrt(std::max(value, 0.0));
  for (size_t i = 0; i < n; ++i) {
    const double most = std::sqrt(std::max(double{mean_square[i]}, 0.0));
    mean[i] = static_cast<float>(std::clamp(length * direction[i], -most, most));
  }
}

}  // namespace dcf::impl
