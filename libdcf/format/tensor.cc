// SPDX-License-Identifier: Apache-2.0
#include "format/tensor.h"

#include <algorithm>

#include "base/bucket.h"
#include "base/checked.h"
#include "format/header.h"

namespace dcf::impl {
namespace {

constexpr uint32_t kCountsAlphabet = kCountBuckets.alphabet(kCountBits);

// Of int and of delta values.
uint32_t int_alphabet(uint32_t bits) {
  switch (bits) {
    case 8:
      return 256;
    case 16:
    case 32:
      return kIntBuckets.alphabet(bits);
    default:
      return kInt64Buckets.alphabet(64);
  }
}

Status manifest_error(const char* rule, const char* message) {
  return fail(Code::BadManifest, rule, message);
}

Status check_classes(const Encoding& e, uint64_t elements) {
  if (e.values == Values::kRaw || e.has_codebook()) {
    return manifest_error("M-14", "raw values, palettes and dictionaries have no classes");
  }
  if (e.classes < 2 || e.classes > kMaxClasses || e.class_run < 1 || e.class_units < 2 ||
      e.class_units > kMaxClassUnits || uint64_t{e.class_run} * e.class_units > elements) {
    return manifest_error("P-07", "the parameters of the classes are out of range");
  }
  return ok_status();
}

Status check_grid(const Encoding& e, DType dtype, uint64_t elements) {
  if (dtype != DType::kF32 && dtype != DType::kF16 && dtype != DType::kBF16) {
    return manifest_error("M-14", "grid values need f32, f16 or bf16");
  }
  if (e.is_sparse()) return manifest_error("M-14", "grid values go with dense positions only");
  if (e.grid_run < 1 || e.grid_units < 1 || uint64_t{e.grid_run} * e.grid_units > elements) {
    return manifest_error("V-04", "the parameters of a grid are out of range");
  }
  return ok_status();
}

Status check_delta(const Encoding& e, uint64_t elements) {
  if (e.is_sparse()) return manifest_error("M-14", "delta values go with dense positions only");
  bool in_range = e.distance_count >= 1 && e.distance_count <= kMaxDistances && e.delta_run >= 1 &&
                  e.delta_units >= 1 && e.delta_units <= kMaxClassUnits &&
                  uint64_t{e.delta_run} * e.delta_units <= elements;
  for (size_t i = 0; in_range && i < e.distance_count; ++i) {
    in_range = e.distances[i] >= 1 && e.distances[i] < kMaxDenseViewCols;
  }
  return in_range ? ok_status()
                  : manifest_error("P-08", "the parameters of delta values are out of range");
}

}  // namespace

size_t Roles::find(Role role) const {
  size_t i = 0;
  while (i < count && list[i].role != role) ++i;
  return i;
}

Roles roles_of(const Encoding& e, DType dtype) {
  Roles roles;
  const auto add = [&](Role role, uint32_t alphabet) {
    roles.list[roles.count++] = {role, alphabet};
  };
  switch (e.positions) {
    case Positions::kDense:
      break;
    case Positions::kBitmap:
      add(Role::kBitmap, 256);
      break;
    case Positions::kGap:
      add(Role::kCounts, kCountsAlphabet);
      add(Role::kGaps, 1u << e.gap_bits);
      break;
    case Positions::kGapBucket:
      add(Role::kCounts, kCountsAlphabet);
      add(Role::kGaps, BucketCode{e.bucket_t, e.bucket_s}.alphabet(kGapBits));
      break;
  }
  if (e.signs) add(Role::kSigns, 256);
  if (e.has_classes()) add(Role::kClasses, e.classes);
  const unsigned copies = std::max<unsigned>(e.classes, 1);
  const auto add_values = [&](uint32_t alphabet) {
    for (unsigned i = 0; i < copies; ++i) add(Role::kValues, alphabet);
  };
  switch (e.values) {
    case Values::kRaw:
      break;
    case Values::kGrid:
      add_values(kIntBuckets.alphabet(32));
      break;
    case Values::kPalette:
      add_values(e.palette_size + (e.positions == Positions::kGap ? 1u : 0u));
      break;
    case Values::kSplit:
    case Values::kClassSplit:
      add_values(e.split_symbols);
      break;
    case Values::kDictionary:
      add_values(((e.palette_size - 1) >> e.index_bits()) + 1);
      break;
    case Values::kInt:
      add_values(int_alphabet(dtype_bits(dtype)));
      break;
    case Values::kDelta:
      add(Role::kPredictors, e.distance_count + 1u);
      add_values(int_alphabet(dtype_bits(dtype)));
      break;
  }
  return roles;
}

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

uint32_t features_of(const Encoding& e, DType dtype) {
  uint32_t features = e.has_classes() ? kClassMaps : 0;
  const bool wide_classes = e.has_classes() && e.values == Values::kInt && dtype_bits(dtype) > 8;
  if (e.values == Values::kGrid) features |= kGridValues;
  if (e.values == Values::kDelta || wide_classes) features |= kDeltaValues;
  if (e.values == Values::kDictionary) features |= kDictionaries;
  if (e.values == Values::kClassSplit) features |= kClassZeros;
  return features;
}

Status check_encoding_ids(const Encoding& e) {
  if (e.positions > Positions::kGapBucket || e.values > Values::kClassSplit) {
    return fail(Code::UnsupportedEncoding, "M-12", "the tensor has an unknown encoding");
  }
  return ok_status();
}

Status check_encoding(const Encoding& e, DType dtype, uint64_t elements) {
  DCF_TRY(check_encoding_ids(e));
  if (e.is_raw() && e.is_sparse())
    return manifest_error("M-14", "raw values go with dense positions only");
  if (!e.is_raw() && (elements == 0 || is_raw_only(dtype))) {
    return manifest_error("M-14", "the tensor must be stored raw");
  }
  const uint32_t bits = dtype_bits(dtype);
  if (e.positions == Positions::kGap && (e.gap_bits < 2 || e.gap_bits > 8)) {
    return manifest_error("P-01", "the gap width is not 2 to 8 bits");
  }
  if (e.positions == Positions::kGapBucket &&
      (e.bucket_t < 2 || e.bucket_t > 7 || e.bucket_s > 2)) {
    return manifest_error("P-01", "gap-bucket parameters are out of range");
  }
  if (e.signs && !has_negative_zero(dtype)) return manifest_error("P-01", "the dtype has no -0");
  if (e.has_classes()) DCF_TRY(check_classes(e, elements));
  switch (e.values) {
    case Values::kRaw:
      break;
    case Values::kGrid:
      DCF_TRY(check_grid(e, dtype, elements));
      break;
    case Values::kPalette:
      if (e.palette_size < 1 || e.palette_size > 256 ||
          (e.positions == Positions::kGap && e.palette_size > 255)) {
        return manifest_error("V-01", "the codebook has too many entries for its positions");
      }
      break;
    case Values::kDictionary:
      if (e.is_sparse() || bits < 16)
        return manifest_error("M-14",
                              "dictionaries need dense positions and a dtype of 16 bits or more");
      if (e.palette_size <= 256 || e.palette_size > kMaxDictionary)
        return manifest_error("V-01", "the dictionary has too few or too many words");
      break;
    case Values::kSplit:
    case Values::kClassSplit:
      if (!is_float(dtype) || is_f8(dtype))
        return manifest_error("M-14", "split values need a float dtype of 16 bits or more");
      if (e.values == Values::kClassSplit && !e.has_classes())
        return manifest_error("M-14", "zero bits by class need classes");
      if (e.split_t < 5 || e.split_t > std::min(12u, bits - 1) || e.split_symbols < 1 ||
          e.split_symbols > 256 || uint32_t{e.split_base} + e.split_symbols > (1u << e.split_t)) {
        return manifest_error("V-01", "split parameters are out of range");
      }
      for (size_t c = 0; c < std::max<size_t>(e.classes, 1); ++c) {
        if (uint32_t{e.split_t} + e.zero_bits(c) >= bits)
          return manifest_error("V-01", "the zero bits of split values are out of range");
      }
      break;
    case Values::kInt:
      if (!is_integer(dtype) && !is_f8(dtype))
        return manifest_error("M-14", "int values need an integer dtype");
      break;
    case Values::kDelta:
      DCF_TRY(check_delta(e, elements));
      break;
  }
  return ok_status();
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

}  // namespace dcf::impl
