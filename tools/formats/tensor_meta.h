// SPDX-License-Identifier: Apache-2.0
// What a model file says of one tensor.
#pragma once

#include <dcf/dcf.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dcf::tools {

inline constexpr size_t kMaxNameBytes = 4096;
inline constexpr size_t kMaxTensors = size_t{1} << 20;

struct TensorMeta {
  std::string name;
  dcf_dtype dtype = DCF_DTYPE_NONE;
  uint32_t bits = 0;        // width of one element, also for DCF_DTYPE_OPAQUE
  std::string opaque_name;  // empty unless dtype is DCF_DTYPE_OPAQUE
  std::vector<uint64_t> dims;

  // Both throw Error where the product does not fit into 64 bits.
  uint64_t elements() const;
  uint64_t bytes() const;  // dense, row-major, elements packed without gaps, rounded up

  bool operator==(const TensorMeta&) const = default;
};

// Product of `dims` times `bits`; nothing where it does not fit. A wrap counts even when a later
// dimension is zero, as in the safetensors reference reader.
std::optional<uint64_t> checked_bits(std::span<const uint64_t> dims, uint32_t bits);

// Meta of a tensor of `file` with every check that does not depend on the file format: name,
// rank, size.
TensorMeta make_meta(const std::string& file, std::string name, dcf_dtype dtype,
                     std::vector<uint64_t> dims);
void check_meta(const std::string& file, const TensorMeta& meta);

// No two tensors share a name, and there are at most kMaxTensors.
void check_tensor_list(const std::string& file, std::span<const TensorMeta> tensors);

}  // namespace dcf::tools
