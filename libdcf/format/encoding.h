// SPDX-License-Identifier: Apache-2.0
// How the entries of a tensor are coded: positions x values, and their parameters (spec, section
// 4.5). All that a reader and a writer must know of an encoding before they touch coded data is
// here: docs/add-an-encoding.md starts with this file.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"
#include "base/limits.h"
#include "base/status.h"

namespace dcf::impl::format {

// Critical feature bits (section 12).
inline constexpr uint32_t kGridValues = 1u << 0;
inline constexpr uint32_t kClassMaps = 1u << 1;
inline constexpr uint32_t kDeltaValues = 1u << 2;  // delta values, and classes of wide int values
inline constexpr uint32_t kCodedNames = 1u << 3;
inline constexpr uint32_t kDictionaries = 1u << 4;
inline constexpr uint32_t kClassZeros = 1u << 5;
inline constexpr uint32_t kTrellisValues = 1u << 6;
// Those that this reader understands.
inline constexpr uint32_t kKnownFeatures = kGridValues | kClassMaps | kDeltaValues | kCodedNames |
                                           kDictionaries | kClassZeros | kTrellisValues;

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
  kTrellis = 8,
};
// The id of dense positions with classes, in the manifest.
inline constexpr uint8_t kClassesId = 4;

// The two parts and their parameters; those of other parts are 0.
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
  uint32_t grid_run = 0;     // the same of grid and trellis: elements of a unit in a row
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
  bool has_scales() const { return values == Values::kGrid || values == Values::kTrellis; }
  // z of the values of a class; without classes, of class 0.
  unsigned zero_bits(size_t c) const {
    return values == Values::kClassSplit ? class_z[c] : split_z;
  }
  // b of dictionary: the low bits of an index, which are fields.
  unsigned index_bits() const {
    return static_cast<unsigned>(std::bit_width(palette_size - 1)) - 8;
  }
  // Whether a writer prefers another encoding of nearly the same size.
  bool is_slow_to_decode() const {
    return has_classes() || values == Values::kDelta || values == Values::kDictionary;
  }
  friend bool operator==(const Encoding&, const Encoding&) = default;
};

// Names of the two parts, as programs print them; "" for one that this version does not know.
const char* positions_name(Positions positions);
const char* values_name(Values values);

// The id of an encoding in the manifest, and the encoding of an id, without its parameters.
uint8_t encoding_id(const Encoding& encoding);
Encoding encoding_of(uint8_t id);
// Its parameters in the manifest. Reading checks no more than that they are there and can be held
// (M-03, P-01, P-08): check_encoding() does the rest.
Status read_params(ByteReader* in, Encoding* encoding);
void append_params(const Encoding& encoding, std::vector<uint8_t>* out);

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

// The critical feature bits that a file with this encoding sets (M-16).
uint32_t features_of(const Encoding& encoding, DType dtype);
// Whether this version knows the encoding (M-12).
Status check_encoding_ids(const Encoding& encoding);
// Whether encoding and parameters are allowed for the dtype (M-12, M-14, P-01, V-01).
Status check_encoding(const Encoding& encoding, DType dtype, uint64_t elements);

}  // namespace dcf::impl::format
