// SPDX-License-Identifier: Apache-2.0
#include "formats/tensor_meta.h"

#include <string_view>
#include <unordered_set>
#include <utility>

#include "formats/error.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

[[noreturn]] void throw_too_big(const std::string& where, const std::string& name) {
  throw_invalid(where, "the size of tensor " + quote(name) + " does not fit into 64 bits");
}

}  // namespace

std::optional<uint64_t> checked_bits(std::span<const uint64_t> dims, uint32_t bits) {
  uint64_t product = 1;
  for (const uint64_t dim : dims) {
    if (__builtin_mul_overflow(product, dim, &product)) return std::nullopt;
  }
  if (__builtin_mul_overflow(product, uint64_t{bits}, &product)) return std::nullopt;
  return product;
}

uint64_t TensorMeta::elements() const {
  const auto product = checked_bits(dims, 1);
  if (!product) throw_too_big("model", name);
  return *product;
}

uint64_t TensorMeta::bytes() const {
  const auto product = checked_bits(dims, bits);
  if (!product) throw_too_big("model", name);
  return *product / 8 + (*product % 8 != 0 ? 1 : 0);
}

void check_meta(const std::string& file, const TensorMeta& meta) {
  if (meta.name.size() > kMaxNameBytes) {
    throw_invalid(file, "the name of tensor " + quote(meta.name) + " is longer than " +
                            std::to_string(kMaxNameBytes) + " bytes");
  }
  if (meta.name.find('\0') != std::string::npos) {
    throw_invalid(file, "the name of tensor " + quote(meta.name) + " contains a NUL byte");
  }
  if (!is_utf8(meta.name)) {
    throw_invalid(file, "the name of tensor " + quote(meta.name) + " is not UTF-8");
  }
  if (meta.dims.size() > DCF_MAX_RANK) {
    throw_invalid(file, "tensor " + quote(meta.name) + " has " + std::to_string(meta.dims.size()) +
                            " dimensions, more than " + std::to_string(DCF_MAX_RANK));
  }
  if (!checked_bits(meta.dims, meta.bits)) throw_too_big(file, meta.name);
}

TensorMeta make_meta(const std::string& file, std::string name, dcf_dtype dtype,
                     std::vector<uint64_t> dims) {
  TensorMeta meta{.name = std::move(name),
                  .dtype = dtype,
                  .bits = dcf_dtype_bits(dtype),
                  .opaque_name = {},
                  .dims = std::move(dims)};
  check_meta(file, meta);
  return meta;
}

void check_tensor_list(const std::string& file, std::span<const TensorMeta> tensors) {
  if (tensors.size() > kMaxTensors) {
    throw_invalid(file, "has more than " + std::to_string(kMaxTensors) + " tensors");
  }
  std::unordered_set<std::string_view> seen;
  for (const TensorMeta& tensor : tensors) {
    if (!seen.insert(tensor.name).second) {
      throw_invalid(file, "has two tensors named " + quote(tensor.name));
    }
  }
}

}  // namespace dcf::tools
