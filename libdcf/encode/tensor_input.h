// SPDX-License-Identifier: Apache-2.0
// What a caller hands to the encoder: one tensor in one of three forms, and how to encode it. The
// meaning of every field is that of dcf/dcf_write.h. Everything is borrowed. Nothing here is
// trusted until check_input() accepts it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/dtype.h"
#include "base/status.h"
#include "encode/cluster.h"
#include "format/tensor.h"

namespace dcf::impl {

struct TensorSpec {
  std::string_view name;
  DType dtype = DType::kNone;
  uint32_t opaque_bits = 0;      // kOpaque only
  std::string_view opaque_name;  // kOpaque only
  std::span<const uint64_t> dims;
};

// Every element, row-major.
struct DenseData {
  Bytes bytes;
};

// CSR over dims[0] rows (1 at rank 0): rows + 1 row pointers, row_ptr[rows] columns and values. A
// pointer to no values may be null.
struct CsrData {
  const uint64_t* row_ptr = nullptr;
  const uint32_t* col = nullptr;
  const uint8_t* values = nullptr;
};

// Codes into a codebook of words of the dtype: one per CSR entry or, with row_ptr and col null, one
// per element.
struct CodesData {
  const uint64_t* row_ptr = nullptr;
  const uint32_t* col = nullptr;
  const uint8_t* codes = nullptr;
  const uint8_t* codebook = nullptr;
  uint32_t codebook_size = 0;
};

struct TensorInput {
  TensorSpec spec;
  std::variant<DenseData, CsrData, CodesData> data;
};

struct EncodeOptions {
  double sparsity = 0;
  uint32_t bits = 0;
  ClusterInit init = ClusterInit::kLinear;
  uint64_t seed = 0;
  std::optional<Positions> positions;  // nothing: the smallest
  uint32_t gap_bits = 0;               // 0: the smallest
  bool canonical_zeros = false;
};

// Everything dcf/dcf_write.h asks of a tensor and its options. InvalidArgument, or UnsupportedDType
// for CSR and codes of dtypes that are stored raw.
Status check_input(const TensorInput& input, const EncodeOptions& options);

// Whether pruning or clustering applies: a float tensor of rank 2 or more and at least 512
// elements. (NaN and Inf, which exclude it too, are found when it is lowered.)
bool may_be_lossy(const TensorSpec& spec, uint64_t elements);

}  // namespace dcf::impl
