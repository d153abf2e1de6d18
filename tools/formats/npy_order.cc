// SPDX-License-Identifier: Apache-2.0
// NumPy's byte orders and element orders, brought to the one of .dcf.
#include <algorithm>
#include <cstring>
#include <utility>

#include "formats/le_bytes.h"
#include "formats/npy_header.h"

namespace dcf::tools {
namespace {

// Complex numbers swap each half on its own.
size_t swap_unit(const TensorMeta& meta) {
  return meta.dtype == DCF_DTYPE_C64 ? sizeof(float) : meta.bits / 8;
}

void swap_bytes(std::vector<uint8_t>* data, size_t unit) {
  if (unit == 1) return;
  for (size_t at = 0; at < data->size(); at += unit) {
    std::reverse(data->data() + at, data->data() + at + unit);
  }
}

// Walks the target row by row; in the source neighbours along the last dimension lie
// elements / last apart and the first dimension is the densest.
std::vector<uint8_t> transpose(const TensorMeta& meta, const std::vector<uint8_t>& source) {
  const size_t rank = meta.dims.size();
  const size_t width = meta.bits / 8;
  std::vector<uint64_t> strides(rank);
  uint64_t stride = width;
  for (size_t d = 0; d < rank; ++d) {
    strides[d] = stride;
    stride *= meta.dims[d];
  }
  std::vector<uint8_t> target = make_buffer("npy data", source.size());
  std::vector<uint64_t> index(rank, 0);
  const uint64_t last = meta.dims[rank - 1];
  uint64_t from = 0;  // of the current row
  for (uint8_t* to = target.data(); to != target.data() + target.size();) {
    const uint8_t* element = source.data() + from;
    for (uint64_t i = 0; i < last; ++i, to += width) {
      std::memcpy(to, element + i * strides[rank - 1], width);
    }
    for (size_t d = rank - 1; d-- > 0;) {
      from += strides[d];
      if (++index[d] < meta.dims[d]) break;
      from -= strides[d] * meta.dims[d];
      index[d] = 0;
    }
  }
  return target;
}

}  // namespace

std::vector<uint8_t> npy_to_row_major(const NpyHeader& header, std::vector<uint8_t> data) {
  if (header.big_endian) swap_bytes(&data, swap_unit(header.meta));
  const bool one_dimensional = header.meta.dims.size() < 2;
  if (!header.fortran_order || one_dimensional || data.empty()) return data;
  return transpose(header.meta, data);
}

}  // namespace dcf::tools
