// SPDX-License-Identifier: Apache-2.0
#include "encode/tensor_input.h"

#include <algorithm>

#include "base/checked.h"
#include "base/utf8.h"
#include "codec/bit_reader.h"
#include "encode/cluster.h"
#include "encode/words.h"

namespace dcf::impl {
namespace {

constexpr size_t kMaxOpaqueName = 255;

Status invalid(const char* message) {
  return fail(Code::InvalidArgument, "", message);
}

bool is_text(std::string_view s) {
  const Bytes bytes = bytes_of(s);
  return is_utf8(bytes) && std::find(bytes.begin(), bytes.end(), 0) == bytes.end();
}

Status check_spec(const TensorSpec& spec) {
  if (spec.name.size() > kMaxNameBytes || !is_text(spec.name)) {
    return invalid("a tensor name must be UTF-8 without NUL, of at most 4096 bytes");
  }
  if (!is_known(spec.dtype)) return invalid("the dtype is unknown");
  if (spec.dtype == DType::kOpaque) {
    if (spec.opaque_bits < 1 || spec.opaque_bits > UINT16_MAX) {
      return invalid("the width of an opaque dtype must be 1 to 65535 bits");
    }
    if (spec.opaque_name.size() > kMaxOpaqueName || !is_text(spec.opaque_name)) {
      return invalid("the name of an opaque dtype must be UTF-8 of at most 255 bytes");
    }
  }
  return ok_status();
}

Status check_options(const EncodeOptions& options, DType dtype) {
  if (!(options.sparsity >= 0 && options.sparsity < 1)) {
    return invalid("the sparsity must be at least 0 and less than 1");
  }
  if (options.bits > 8) return invalid("clustering takes 1 to 8 bits, or 0 for none");
  if ((options.sparsity > 0 || options.bits > 0) && !is_float(dtype)) {
    return invalid("only float tensors can be pruned or clustered");
  }
  if (options.init > ClusterInit::kOptimal) return invalid("the initialisation is unknown");
  if (options.positions && *options.positions > Positions::kGapBucket) {
    return invalid("the positions are unknown");
  }
  if (options.gap_bits != 0 && (options.gap_bits < 2 || options.gap_bits > 8)) {
    return invalid("the gap width must be 2 to 8 bits, or 0 for the best");
  }
  return ok_status();
}

Status check_dense(const DenseData& data, uint64_t elements, uint32_t bits) {
  // Elements fit 48 bits and widths 16, so the product fits.
  if (data.bytes.size() != ceil_div(elements * bits, 8)) {
    return invalid("the size of the data is not that of the shape and dtype");
  }
  const unsigned used = elements * bits % 8;
  if (used != 0 && data.bytes.back() >> used != 0) {
    return invalid("the padding bits of the last byte are not zero");
  }
  return ok_status();
}

Status check_csr(const uint64_t* row_ptr, const uint32_t* col, uint64_t rows, uint64_t cols) {
  if (row_ptr == nullptr) return invalid("there are no row pointers");
  if (row_ptr[0] != 0) return invalid("the first row pointer is not 0");
  for (uint64_t r = 0; r < rows; ++r) {
    if (row_ptr[r + 1] < row_ptr[r] || row_ptr[r + 1] - row_ptr[r] > cols) {
      return invalid("the row pointers do not rise, or a row has more entries than columns");
    }
  }
  if (row_ptr[rows] > 0 && col == nullptr) return invalid("there are no columns");
  for (uint64_t r = 0; r < rows; ++r) {
    for (uint64_t k = row_ptr[r]; k < row_ptr[r + 1]; ++k) {
      if (col[k] >= cols || (k > row_ptr[r] && col[k] <= col[k - 1])) {
        return invalid("the columns of a row do not rise strictly within the shape");
      }
    }
  }
  return ok_status();
}

Status check_codes(const CodesData& data, uint64_t entries, const TensorSpec& spec,
                   const EncodeOptions& options) {
  if (options.sparsity != 0 || options.bits != 0) {
    return invalid("a tensor given as codes cannot be pruned or clustered again");
  }
  const bool gap = options.positions == Positions::kGap;
  if (data.codebook_size < 1 || data.codebook_size > (gap ? 255u : 256u) ||
      data.codebook == nullptr) {
    return invalid("a codebook has 1 to 256 entries, with gap positions 255");
  }
  const size_t width = dtype_bits(spec.dtype) / 8;
  std::vector<uint64_t> words;
  for (uint32_t i = 0; i < data.codebook_size; ++i) {
    words.push_back(load_word(data.codebook + i * width, width));
  }
  std::sort(words.begin(), words.end());
  if (std::adjacent_find(words.begin(), words.end()) != words.end()) {
    return invalid("the codebook holds a value twice");
  }
  if (entries > 0 && data.codes == nullptr) return invalid("there are no codes");
  const uint8_t* end = data.codes + entries;
  if (std::any_of(data.codes, end, [&](uint8_t code) { return code >= data.codebook_size; })) {
    return invalid("a code is not in the codebook");
  }
  return ok_status();
}

}  // namespace

Status check_input(const TensorInput& input, const EncodeOptions& options) {
  const TensorSpec& spec = input.spec;
  DCF_TRY(check_spec(spec));
  DCF_TRY(check_options(options, spec.dtype));
  Result<uint64_t> counted = count_elements({spec.dims.begin(), spec.dims.end()});
  if (!counted.ok()) return invalid(counted.status().message);
  const uint64_t elements = counted.value();
  if (const auto* dense = std::get_if<DenseData>(&input.data)) {
    const bool opaque = spec.dtype == DType::kOpaque;
    return check_dense(*dense, elements, opaque ? spec.opaque_bits : dtype_bits(spec.dtype));
  }
  if (is_raw_only(spec.dtype)) {
    return fail(Code::UnsupportedDType, "", "this dtype can be written from dense data only");
  }
  const uint64_t rows = spec.dims.empty() ? 1 : spec.dims[0];
  const uint64_t cols = rows == 0 ? 0 : elements / rows;
  if (const auto* csr = std::get_if<CsrData>(&input.data)) {
    if (options.sparsity != 0) return invalid("a tensor given as CSR cannot be pruned");
    DCF_TRY(check_csr(csr->row_ptr, csr->col, rows, cols));
    if (csr->row_ptr[rows] > 0 && csr->values == nullptr) return invalid("there are no values");
    return ok_status();
  }
  const auto& codes = std::get<CodesData>(input.data);
  if (codes.row_ptr == nullptr && codes.col == nullptr) {
    return check_codes(codes, elements, spec, options);
  }
  DCF_TRY(check_csr(codes.row_ptr, codes.col, rows, cols));
  return check_codes(codes, codes.row_ptr[rows], spec, options);
}

bool may_be_lossy(const TensorSpec& spec, uint64_t elements) {
  return is_float(spec.dtype) && spec.dims.size() >= 2 && elements >= 512;
}

}  // namespace dcf::impl
