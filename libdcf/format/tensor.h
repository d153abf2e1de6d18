// SPDX-License-Identifier: Apache-2.0
// One tensor as the manifest describes it: what it is, how it is coded, where its chunks are
// (spec/dcf-format.md, sections 4 and 6 to 8). Shared by reader and writer.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/dtype.h"
#include "base/limits.h"
#include "base/status.h"

namespace dcf::impl {

enum class Positions : uint8_t { kDense = 0, kBitmap = 1, kGap = 2, kGapBucket = 3 };
enum class Values : uint8_t {
  kRaw = 0,
  kPalette = 1,
  kGrid = 2,
  kSplit = 3,
  kInt = 4,
  kDelta = 5,
  kDictionary = 6,
  kClassSplit = 7,
};
// The id of dense positions with classes, in the manifest.
inline constexpr uint8_t kClassesId = 4;
enum class Fidelity : uint8_t { kBitExact = 0, kValueExact = 1, kLossy = 2 };

// How the entries of a tensor are coded: encoding and parameters.
struct Encoding {
  Positions positions = Positions::kDense;
  Values values = Values::kRaw;
  uint8_t gap_bits = 0;  // b of gap
  uint8_t bucket_t = 0;  // t and s of gap-bucket
  uint8_t bucket_s = 0;
  bool signs = false;         // sparse floats: signs of skipped zeros are stored
  uint32_t palette_size = 0;  // K of palette, without the filler zero, and of dictionary
  uint8_t split_t = 0;        // t, z, base and A of split and class-split
  uint8_t split_z = 0;
  uint16_t split_base = 0;
  uint16_t split_symbols = 0;
  uint16_t classes = 0;      // K of dense positions with classes; 0: without
  uint32_t class_run = 0;    // elements of a unit that follow each other
  uint32_t class_units = 0;  // units that have a class
  uint32_t grid_run = 0;     // the same of grid: elements of a unit that follow each other
  uint32_t grid_units = 0;   // units that have a scale
  std::array<uint8_t, kMaxClasses> class_z{};  // z of each class of class-split
  // D, the distances, and the units that have a predictor, of delta.
  uint8_t distance_count = 0;
  std::array<uint32_t, kMaxDistances> distances{};
  uint32_t delta_run = 0;
  uint32_t delta_units = 0;

  bool is_raw() const { return values == Values::kRaw; }
  bool is_sparse() const { return positions != Positions::kDense; }
  bool has_classes() const { return classes != 0; }
  // Bytes of the predictors and of the class map in memory: one for each unit.
  uint64_t unit_map_size() const { return uint64_t{delta_units} + class_units; }
  bool has_codebook() const { return palette_size != 0; }
  // z of the values of a class; without classes, of class 0.
  unsigned zero_bits(size_t c) const {
    return values == Values::kClassSplit ? class_z[c] : split_z;
  }
  // b of dictionary: the low bits of an index, which are fields.
  unsigned index_bits() const {
    return static_cast<unsigned>(std::bit_width(palette_size - 1)) - 8;
  }
  friend bool operator==(const Encoding&, const Encoding&) = default;
};

// A stream that may use a Huffman table, and the size A of its alphabet.
enum class Role : uint8_t { kBitmap, kCounts, kGaps, kSigns, kClasses, kPredictors, kValues };
struct RoleInfo {
  Role role;
  uint32_t alphabet;
};
inline constexpr size_t kMaxRoles = 2 + kMaxClasses;
struct Roles {
  std::array<RoleInfo, kMaxRoles> list{};
  size_t count = 0;
  // Index of a role in the list, or count. With classes kValues is that of class 0, and those of
  // the other classes follow.
  size_t find(Role role) const;
};
Roles roles_of(const Encoding& encoding, DType dtype);

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
// The critical feature bits that a file with this encoding sets (M-16).
uint32_t features_of(const Encoding& encoding, DType dtype);
// Whether this version knows the encoding (M-12).
Status check_encoding_ids(const Encoding& encoding);
// Whether encoding and parameters are allowed for the dtype (M-12, M-14, P-01, V-01).
Status check_encoding(const Encoding& encoding, DType dtype, uint64_t elements);
// Rules M-13 and K-01 on view and chunk size of a tensor that has elements; not on its chunks'
// entries.
Status check_view(const Tensor& tensor);

}  // namespace dcf::impl
