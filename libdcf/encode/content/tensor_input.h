// SPDX-License-Identifier: Apache-2.0
// The input of the encoder: one tensor in one of four forms, and how to encode it. Fields are those
// of dcf/dcf_write.h. Everything is borrowed. Nothing here is trusted until it is a CheckedInput.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "base/status.h"
#include "compress/cluster.h"
#include "encode/content/grid_scales.h"
#include "encode/content/moments.h"
#include "encode/content/piece_store.h"
#include "format/tensor.h"

namespace dcf::impl::encode {

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

// CSR of dims[0] rows (1 at rank 0): rows + 1 row pointers, row_ptr[rows] columns and values. The
// pointer of an empty array may be null.
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

// Every element, as it was written in pieces.
struct PiecesData {
  const PieceStore* store = nullptr;
  uint64_t hash = 0;  // hash of the bytes
};

struct TensorInput {
  TensorSpec spec;
  std::variant<DenseData, CsrData, CodesData, PiecesData> data;
};

// Numbers as dcf_effort.
enum class Effort : uint8_t { kNormal, kSmallest, kFast };

struct EncodeOptions {
  double sparsity = 0;
  uint32_t bits = 0;
  compress::ClusterInit init = compress::ClusterInit::kLinear;
  uint64_t seed = 0;
  std::optional<format::Positions> positions;  // nothing: the smallest
  uint32_t gap_bits = 0;                       // 0: the smallest
  bool canonical_zeros = false;
  // What the input has lost already.
  double source_bound = 0;
  format::Fidelity source_fidelity = format::Fidelity::kBitExact;
  bool fill_clusters = false;
  Effort effort = Effort::kNormal;
  double sqnr_db = 0;              // that rounding to a grid leaves; 0: no rounding
  std::optional<Moments> moments;  // of the inputs, for rounding
};

// The facts that follow from a valid spec.
struct TensorSize {
  uint64_t elements = 0;
  uint32_t bits = 0;                                               // of an element
  uint64_t bytes() const { return ceil_div(elements * bits, 8); }  // fits: 48 + 16 bits
};

// Checks everything that dcf/dcf_write.h asks of spec and options alone. InvalidArgument.
Result<TensorSize> check_spec(const TensorSpec& spec, const EncodeOptions& options);

// Whether pruning or clustering applies: a float tensor of rank 2 or more and at least 512
// elements. (NaN and Inf, which exclude it too, are found when it is lowered.)
inline bool may_be_lossy(const TensorSpec& spec, uint64_t elements) {
  return is_float(spec.dtype) && spec.dims.size() >= 2 && elements >= 512;
}

// Whether rounding applies: to a tensor that pruning would apply to and that may have grid values.
inline bool may_be_rounded(const TensorSpec& spec, const EncodeOptions& options,
                           uint64_t elements) {
  return options.sqnr_db > 0 && has_grid(spec.dtype) && may_be_lossy(spec, elements);
}

// An input and options that obey dcf/dcf_write.h. Borrows both.
class CheckedInput {
 public:
  // InvalidArgument, UnsupportedDType for CSR and codes of dtypes that are stored raw, or IoRead if
  // a store cannot be read.
  static Result<CheckedInput> check(const TensorInput& input, const EncodeOptions& options);

  const TensorSpec& spec() const { return input_->spec; }
  const TensorInput& input() const { return *input_; }
  const EncodeOptions& options() const { return *options_; }
  const TensorSize& size() const { return size_; }
  template <typename Data>
  const Data* as() const {
    return std::get_if<Data>(&input_->data);
  }
  // The matrix of CSR: rows are dims[0], 1 at rank 0.
  uint64_t rows() const { return spec().dims.empty() ? 1 : spec().dims[0]; }
  uint64_t cols() const { return rows() == 0 ? 0 : size_.elements / rows(); }
  bool may_be_lossy() const { return impl::encode::may_be_lossy(spec(), size_.elements); }
  bool may_be_rounded() const {
    return impl::encode::may_be_rounded(spec(), options(), size_.elements);
  }

 private:
  CheckedInput(const TensorInput& input, const EncodeOptions& options, TensorSize size)
      : input_(&input), options_(&options), size_(size) {}

  const TensorInput* input_;
  const EncodeOptions* options_;
  TensorSize size_;
};

}  // namespace dcf::impl::encode
