// SPDX-License-Identifier: Apache-2.0
#include "cli/network_input.h"

#include <bit>

#include "formats/error.h"
#include "formats/le_bytes.h"
#include "formats/npy_source.h"

namespace dcf::tools {

std::vector<float> NetworkInput::floats(uint64_t first, uint64_t count) const {
  std::vector<float> values(count * cols);
  const uint64_t start = first * cols;
  for (uint64_t i = 0; i < values.size(); ++i) {
    values[i] = is_float ? std::bit_cast<float>(load_le<uint32_t>(&data[(start + i) * 4]))
                         : static_cast<float>(data[start + i]);
  }
  return values;
}

NetworkInput read_npy_input(const std::string& path, uint64_t cols, const MemoryLimit& limit) {
  const auto source = open_npy_model(InputFile(path), limit);
  const TensorMeta& meta = source->tensors().at(0);
  if (meta.dtype != DCF_DTYPE_F32 && meta.dtype != DCF_DTYPE_U8) {
    throw_failure(path, "holds " + std::string(dcf_dtype_name(meta.dtype)) +
                            ", where a network takes f32 or u8");
  }
  if (meta.dims.empty()) throw_invalid(path, "is a single value, not rows of inputs");
  uint64_t row = 1;
  for (size_t i = 1; i < meta.dims.size(); ++i) {
    if (__builtin_mul_overflow(row, meta.dims[i], &row)) throw_invalid(path, "has rows too long");
  }
  if (row != cols) {
    throw_invalid(path, "holds " + std::to_string(row) +
                            " values in a row, where the network takes " + std::to_string(cols));
  }
  return {meta.dims[0], cols, meta.dtype == DCF_DTYPE_F32, source->read(0)};
}

}  // namespace dcf::tools
