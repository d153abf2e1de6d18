// SPDX-License-Identifier: Apache-2.0
#include "format/tensor.h"

#include <algorithm>

#include "base/checked.h"

namespace dcf::impl::format {
namespace {

Status manifest_error(const char* rule, const char* message) {
  return fail(Code::BadManifest, rule, message);
}

}  // namespace

uint64_t default_view_cols(std::span<const uint64_t> dims, uint64_t elements) {
  if (dims.size() < 2) return elements;
  return elements / dims[0];
}

uint64_t Tensor::row_elements() const {
  uint64_t product = 1;
  for (size_t i = 1; i < dims.size(); ++i) product *= dims[i];
  return product;
}

Result<uint64_t> count_elements(std::span<const uint64_t> dims) {
  // The product without the zeros must fit too, so that no product of some dims can overflow.
  uint64_t product = 1;
  bool empty = false;
  if (dims.size() > kMaxRank) return manifest_error("M-05", "a tensor has more than 32 dimensions");
  for (uint64_t d : dims) {
    if (d == 0) {
      empty = true;
    } else if (!checked_mul(product, d, &product) || product > kMaxElements) {
      return manifest_error("M-05", "the product of the dimensions is too large");
    }
  }
  return empty ? uint64_t{0} : product;
}

Status check_view(const Tensor& t) {
  const bool raw = t.encoding.is_raw();
  const uint64_t cols = t.view.cols;
  const uint64_t rows = t.view_rows();
  if (cols < 1 || cols > kMaxViewCols ||
      (!raw && !t.encoding.is_sparse() && cols > kMaxDenseViewCols)) {
    return manifest_error("M-13", "the view has too many columns");
  }
  if (t.view.transposed && (raw || rows < 2 || cols < 2 || rows * cols != t.elements)) {
    return manifest_error("M-13", "the view cannot be transposed");
  }
  if (t.rows_per_chunk < 1 || t.rows_per_chunk > rows || t.rows_per_chunk > kMaxChunkRows ||
      t.chunk_stride() > kMaxChunkElements) {
    return manifest_error("K-01", "a chunk has too many rows or elements");
  }
  const uint64_t largest = t.chunk_elements(0);
  if (!t.encoding.is_sparse() && largest > kMaxChunkEntries)
    return manifest_error("K-01", "a chunk has too many entries");
  if (t.bits % 8 != 0 && t.rows_per_chunk < rows && t.chunk_stride() * t.bits % 8 != 0) {
    return manifest_error("K-01", "a chunk ends inside a byte");
  }
  return ok_status();
}

}  // namespace dcf::impl::format
