// SPDX-License-Identifier: Apache-2.0
#include "encode/round/upper_factor.h"

#include <algorithm>
#include <cmath>

namespace dcf::impl::encode {
namespace {

// Rows that are subtracted from the others at once, and rows of a task.
constexpr size_t kFactorPanel = 32;
constexpr size_t kTaskRows = 32;

// to[j] -= sum over k of factors[k] * rows[k][j], the sum taken from left to right.
void subtract_four(double* __restrict to, const double* const* rows, const double* factors,
                   size_t first, size_t end) {
  const double* __restrict a = rows[0];
  const double* __restrict b = rows[1];
  const double* __restrict c = rows[2];
  const double* __restrict d = rows[3];
  for (size_t j = first; j < end; ++j) {
    to[j] = to[j] - factors[0] * a[j] - factors[1] * b[j] - factors[2] * c[j] - factors[3] * d[j];
  }
}

void subtract_one(double* __restrict to, const double* __restrict row, double factor, size_t first,
                  size_t end) {
  for (size_t j = first; j < end; ++j) to[j] -= factor * row[j];
}

class Factor {
 public:
  Factor(std::span<double> a, size_t n) : a_(a), n_(n) {}

  // Rows [top, end) of the panel, of which all columns are up to date.
  bool factor_panel(size_t top, size_t end, double least_pivot) {
    for (size_t k = top; k < end; ++k) {
      double* const row = at(k);
      const double pivot = row[k];
      if (!(pivot >= least_pivot)) return false;
      const double root = std::sqrt(pivot);
      const double inverse = 1 / root;
      row[k] = root;
      for (size_t j = k + 1; j < n_; ++j) row[j] *= inverse;
      for (size_t i = k + 1; i < end; ++i) subtract_one(at(i), row, row[i], i, n_);
    }
    return true;
  }

  // Subtracts the panel from a row below it.
  void update_row(size_t i, size_t top, size_t end) {
    size_t k = top;
    for (; k + 4 <= end; k += 4) {
      const double* const rows[] = {at(k), at(k + 1), at(k + 2), at(k + 3)};
      const double factors[] = {rows[0][i], rows[1][i], rows[2][i], rows[3][i]};
      subtract_four(at(i), rows, factors, i, n_);
    }
    for (; k < end; ++k) subtract_one(at(i), at(k), at(k)[i], i, n_);
  }

 private:
  double* at(size_t row) { return a_.data() + row * n_; }

  const std::span<double> a_;
  const size_t n_;
};

}  // namespace

Result<bool> factor_upper(std::span<double> a, size_t n, double least_pivot,
                          const Parallel& parallel, const Progress* progress) {
  Factor factor(a, n);
  for (size_t top = 0; top < n; top += kFactorPanel) {
    const size_t end = std::min(top + kFactorPanel, n);
    if (!factor.factor_panel(top, end, least_pivot)) return false;
    const size_t tasks = (n - end + kTaskRows - 1) / kTaskRows;
    DCF_TRY(run_fallible(parallel, tasks, [&](size_t task) {
      const size_t first = end + task * kTaskRows;
      for (size_t i = first; i < std::min(first + kTaskRows, n); ++i)
        factor.update_row(i, top, end);
      return ok_status();
    }));
    if (progress != nullptr) DCF_TRY(progress->poll());
  }
  return true;
}

}  // namespace dcf::impl::encode
