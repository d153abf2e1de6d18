// SPDX-License-Identifier: Apache-2.0
#include "encode/content/tensor_input.h"

#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "base/utf8.h"
#include "codec/bit_reader.h"
#include "compress/cluster.h"
#include "compress/quality.h"

namespace dcf::impl::encode {
namespace {

constexpr size_t kMaxOpaqueName = 255;

bool is_text(std::string_view s) {
  const Bytes bytes = bytes_of(s);
  return is_utf8(bytes) && std::find(bytes.begin(), bytes.end(), 0) == bytes.end();
}

Status check_type(const TensorSpec& spec) {
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
  if (options.sqnr_db != 0) {
    if (!(options.sqnr_db >= compress::kLeastSqnr && options.sqnr_db <= compress::kGreatestSqnr)) {
      return invalid("the SQNR must be 6 to 100 dB, or 0 for no rounding");
    }
    if (options.sparsity > 0 || options.bits > 0) {
      return invalid("a tensor is rounded, or pruned and clustered, not both");
    }
    if (!has_grid(dtype)) return invalid("only f32, f16 and bf16 tensors can be rounded");
  }
  if (options.moments && options.sqnr_db == 0) {
    return invalid("moments are for tensors that are rounded");
  }
  if (options.init > compress::ClusterInit::kOptimal)
    return invalid("the initialisation is unknown");
  if (options.positions && *options.positions > format::Positions::kGapBucket) {
    return invalid("the positions are unknown");
  }
  if (options.gap_bits != 0 && (options.gap_bits < 2 || options.gap_bits > 8)) {
    return invalid("the gap width must be 2 to 8 bits, or 0 for the best");
  }
  if (options.source_fidelity > format::Fidelity::kLossy) {
    return invalid("the fidelity of the source is unknown");
  }
  if (!std::isfinite(options.source_bound) || options.source_bound < 0 ||
      (options.source_bound > 0 && options.source_fidelity != format::Fidelity::kLossy)) {
    return invalid("the error bound of the source must be finite, and 0 unless it is lossy");
  }
  return ok_status();
}

Status check_padding(const TensorSize& size, uint8_t last) {
  const unsigned used = size.elements * size.bits % 8;
  if (used == 0 || last >> used == 0) return ok_status();
  return invalid("the padding bits of the last byte are not zero");
}

Status wrong_size() {
  return invalid("the size of the data is not that of the shape and dtype");
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
  if (options.sparsity != 0 || options.bits != 0 || options.sqnr_db != 0) {
    return invalid("a tensor given as codes cannot be pruned, clustered or rounded");
  }
  const bool gap = options.positions == format::Positions::kGap;
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

Result<TensorSize> check_spec(const TensorSpec& spec, const EncodeOptions& options) {
  DCF_TRY(check_type(spec));
  DCF_TRY(check_options(options, spec.dtype));
  // Before the dimensions are read: their number is the caller's.
  if (spec.dims.size() > kMaxRank) return invalid("a tensor has more than 32 dimensions");
  const Result<uint64_t> elements = format::count_elements({spec.dims.begin(), spec.dims.end()});
  if (!elements.ok()) return invalid(elements.status().message);
  if (options.moments) DCF_TRY(check_moments(*options.moments, spec.dims, elements.value()));
  const bool opaque = spec.dtype == DType::kOpaque;
  return TensorSize{elements.value(), opaque ? spec.opaque_bits : dtype_bits(spec.dtype)};
}

Result<CheckedInput> CheckedInput::check(const TensorInput& input, const EncodeOptions& options) {
  DCF_ASSIGN(const TensorSize size, check_spec(input.spec, options));
  const CheckedInput checked(input, options, size);
  if (const auto* dense = checked.as<DenseData>()) {
    if (dense->bytes.size() != size.bytes()) return wrong_size();
    if (size.elements > 0) DCF_TRY(check_padding(size, dense->bytes.back()));
    return checked;
  }
  if (const auto* pieces = checked.as<PiecesData>()) {
    if (pieces->store->size() != size.bytes()) return wrong_size();
    if (size.elements > 0 && size.elements * size.bits % 8 != 0) {
      uint8_t last = 0;  // words of such dtypes have one byte
      DCF_TRY(pieces->store->read(size.bytes() - 1, {&last, 1}));
      DCF_TRY(check_padding(size, last));
    }
    return checked;
  }
  if (is_raw_only(input.spec.dtype)) {
    return fail(Code::UnsupportedDType, "", "this dtype can be written from dense data only");
  }
  const uint64_t rows = checked.rows();
  if (const auto* csr = checked.as<CsrData>()) {
    if (options.sparsity != 0 || options.sqnr_db != 0) {
      return invalid("a tensor given as CSR cannot be pruned or rounded");
    }
    DCF_TRY(check_csr(csr->row_ptr, csr->col, rows, checked.cols()));
    if (csr->row_ptr[rows] > 0 && csr->values == nullptr) return invalid("there are no values");
    return checked;
  }
  const auto& codes = *checked.as<CodesData>();
  uint64_t entries = size.elements;
  if (codes.row_ptr != nullptr || codes.col != nullptr) {
    DCF_TRY(check_csr(codes.row_ptr, codes.col, rows, checked.cols()));
    entries = codes.row_ptr[rows];
  }
  DCF_TRY(check_codes(codes, entries, input.spec, options));
  return checked;
}

}  // namespace dcf::impl::encode
