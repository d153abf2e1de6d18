// SPDX-License-Identifier: Apache-2.0
// One tensor as the manifest describes it: what it is, how it is coded, where its chunks are
// (spec/dcf-format.md, sections 4 and 6 to 8). Shared by reader and writer.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/dtype.h"
#include "base/limits.h"
#include "base/status.h"
#include "format/encoding.h"

namespace dcf::impl::format {

enum class Fidelity : uint8_t { kBitExact = 0, kValueExact = 1, kLossy = 2 };

struct View {
  uint32_t cols = 0;  // 0 only where there are no elements
  bool transposed = false;
  friend bool operator==(const View&, const View&) = default;
};
// Columns of the default view (section 4.3), not capped. The tensor must have elements.
uint64_t default_view_cols(std::span<const uint64_t> dims, uint64_t elements);

// A file may have a million tensors, so name and dims are views: the manifest or the writer has the
// memory.
struct Tensor {
  std::string_view name;
  std::string_view opaque_name = "";
  std::span<const uint64_t> dims;
  DType dtype = DType::kNone;
  Fidelity fidelity = Fidelity::kBitExact;
  uint32_t bits = 0;
  uint64_t elements = 0;

  Encoding encoding;
  std::array<uint32_t, kMaxRoles> tables{};  // per role: 0 = none, k = table k - 1
  View view;
  uint32_t rows_per_chunk = 0;  // resolved: never 0 where there are elements
  uint64_t nonzeros = 0;
  double error_bound = 0;
  uint64_t alias_of = kNoTensor;

  uint64_t first_chunk = 0;  // index into the file's chunks
  uint64_t chunks = 0;
  uint64_t entries = 0;        // sum over its chunks; set when a manifest is read
  uint64_t encoded_bytes = 0;  // sum over its chunks; set when a manifest is read

  uint64_t view_rows() const { return view.cols == 0 ? 0 : (elements + view.cols - 1) / view.cols; }
  uint64_t chunk_stride() const { return uint64_t{rows_per_chunk} * view.cols; }  // elements
  uint64_t chunk_elements(uint64_t i) const {  // of the tensor's own chunk i
    const uint64_t start = i * chunk_stride();
    return elements - start < chunk_stride() ? elements - start : chunk_stride();
  }
  uint64_t dense_bytes() const { return (elements * bits + 7) / 8; }
  uint64_t rows() const { return dims.empty() ? 1 : dims[0]; }
  uint64_t cols() const { return rows() == 0 ? row_elements() : elements / rows(); }

 private:
  uint64_t row_elements() const;
};

// The product of dims (M-05), or the rule that they break.
Result<uint64_t> count_elements(std::span<const uint64_t> dims);
// Rules M-13 and K-01 on view and chunk size of a tensor that has elements; not on its chunks'
// entries.
Status check_view(const Tensor& tensor);

}  // namespace dcf::impl::format
