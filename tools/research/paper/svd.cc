// SPDX-License-Identifier: Apache-2.0
#include "research/paper/svd.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <tuple>

namespace dcf::tools {
namespace {

std::vector<double> to_vector(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  return {dense.data_ptr<double>(), dense.data_ptr<double>() + dense.numel()};
}

// Borrows `values`; nothing is written through it.
template <typename T>
at::Tensor view(const std::vector<T>& values, uint64_t rows, uint64_t cols, at::ScalarType type) {
  return at::from_blob(const_cast<T*>(values.data()),
                       {static_cast<int64_t>(rows), static_cast<int64_t>(cols)}, type);
}

}  // namespace

Svd::Svd(const std::vector<float>& matrix, uint64_t rows, uint64_t cols)
    : rows_(rows), cols_(cols) {
  const auto [u, sigma, vh] =
      at::linalg_svd(view(matrix, rows, cols, at::kFloat).to(at::kDouble), /*full_matrices=*/false);
  sigma_ = to_vector(sigma);
  u_ = to_vector(u);
  vh_ = to_vector(vh);
}

std::vector<float> Svd::truncated(uint64_t rank) const {
  const auto kept = static_cast<int64_t>(std::min(rank, full_rank()));
  const at::Tensor left = view(u_, rows_, full_rank(), at::kDouble).narrow(1, 0, kept);
  const at::Tensor right = view(vh_, full_rank(), cols_, at::kDouble).narrow(0, 0, kept);
  const at::Tensor sigma = view(sigma_, 1, full_rank(), at::kDouble).narrow(1, 0, kept);
  const at::Tensor single = (left * sigma).mm(right).to(at::kFloat).contiguous();
  return {single.data_ptr<float>(), single.data_ptr<float>() + single.numel()};
}

}  // namespace dcf::tools
