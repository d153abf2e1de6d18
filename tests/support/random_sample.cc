// SPDX-License-Identifier: Apache-2.0
#include <random>

#include "base/float_convert.h"
#include "codec/bit_reader.h"
#include "support/sample.h"

namespace dcf::impl::testing {

using format::Encoding;
using format::Values;

Sample random_sample(DType dtype, std::vector<uint64_t> dims, Encoding encoding, uint64_t seed,
                     unsigned every, unsigned distinct) {
  std::mt19937_64 random(seed);
  Sample s;
  s.dtype = dtype;
  s.dims = std::move(dims);
  s.encoding = encoding;
  uint64_t elements = 1;
  for (const uint64_t d : s.dims) elements *= d;
  const unsigned bits = dtype_bits(dtype);
  std::vector<uint64_t> values;
  for (unsigned i = 0; i < distinct; ++i) {
    uint64_t word = random();
    if (is_float(dtype))
      word = double_to_word(dtype, (i % 2 == 0 ? 1 : -1) * (0.5 + static_cast<double>(i) / 8));
    if (is_integer(dtype) && (is_signed_integer(dtype) || bits == 64))
      word = static_cast<uint64_t>(static_cast<int64_t>(word) >> (word >> 58));
    word &= codec::low_mask(bits);
    values.push_back(word == 0 ? 1 : word);
  }
  const uint64_t negative_zero = uint64_t{1} << (bits - 1);
  for (uint64_t i = 0; i < elements; ++i) {
    const uint64_t draw = random();
    const bool signs =
        (encoding.signs || !encoding.is_sparse()) && encoding.values != Values::kTrellis;
    if (draw % every == 0)
      s.words.push_back(values[(draw >> 32) % distinct]);
    else
      s.words.push_back(signs && has_negative_zero(dtype) && (draw >> 16) % 3 == 0 ? negative_zero
                                                                                   : 0);
  }
  return s;
}

std::vector<Encoding> encodings_of(DType dtype) {
  std::vector<Encoding> out = {Encoding{}};
  if (is_raw_only(dtype)) return out;
  std::vector<Encoding> positions = {Encoding{}};
  for (const bool signs : {false, true}) {
    if (signs && !has_negative_zero(dtype)) continue;
    Encoding e;
    e.signs = signs;
    e.positions = format::Positions::kBitmap;
    positions.push_back(e);
    e.positions = format::Positions::kGap;
    for (const uint8_t b : {2, 4, 8}) {
      e.gap_bits = b;
      positions.push_back(e);
    }
    e.gap_bits = 0;
    e.positions = format::Positions::kGapBucket;
    for (const auto& [t, s] : {std::pair<uint8_t, uint8_t>{2, 0}, {3, 2}, {7, 1}}) {
      e.bucket_t = t;
      e.bucket_s = s;
      positions.push_back(e);
    }
  }
  for (Encoding e : positions) {
    e.values = Values::kPalette;
    out.push_back(e);
    if (is_integer(dtype) || is_f8(dtype)) {
      e.values = Values::kInt;
      out.push_back(e);
    } else {
      e.values = Values::kSplit;
      e.split_t = static_cast<uint8_t>(dtype == DType::kF16 ? 6 : 8);
      if (dtype == DType::kF64 && e.is_sparse() && e.positions != format::Positions::kGap)
        e.split_t = 11;
      out.push_back(e);
    }
  }
  if (dtype_bits(dtype) > 8) {
    Encoding e;
    e.values = Values::kDictionary;
    out.push_back(e);
  }
  // Columns of a matrix of 24 columns, rows of 24, and pairs: any shape of 48 elements and more.
  for (const auto& [run, units] : {std::pair<uint32_t, uint32_t>{1, 24}, {24, 2}, {2, 11}}) {
    Encoding e;
    e.values = is_float(dtype) && !is_f8(dtype) ? Values::kSplit : Values::kInt;
    if (e.values == Values::kSplit) e.split_t = static_cast<uint8_t>(dtype == DType::kF16 ? 6 : 8);
    e.classes = static_cast<uint16_t>(run == 24 ? 2 : 5);
    e.class_run = run;
    e.class_units = units;
    out.push_back(e);
    if (e.values == Values::kInt) continue;
    e.values = Values::kClassSplit;
    out.push_back(e);
  }
  // Distances within and beyond the rows; predictors of columns, of rows and of everything;
  // classes.
  for (const auto& [run, units] : {std::pair<uint32_t, uint32_t>{1, 24}, {24, 2}, {7, 1}}) {
    Encoding e;
    e.values = Values::kDelta;
    e.distances = {1, 3, 24};
    e.distance_count = static_cast<uint8_t>(units == 1 ? 1 : 3);
    if (units == 1) e.distances = {5};
    e.delta_run = run;
    e.delta_units = units;
    if (units == 2) {
      e.classes = 3;
      e.class_run = 2;
      e.class_units = 11;
    }
    out.push_back(e);
  }
  if (dtype != DType::kF32 && dtype != DType::kF16 && dtype != DType::kBF16) return out;
  // One scale, and those of columns, rows, halves of rows of 140, and short runs.
  for (const auto& [run, units] :
       {std::pair<uint32_t, uint32_t>{1, 1}, {1, 24}, {24, 2}, {70, 3}, {3, 5}}) {
    Encoding e;
    e.values = Values::kGrid;
    e.grid_run = run;
    e.grid_units = units;
    if (units == 3) {
      e.classes = 4;
      e.class_run = 1;
      e.class_units = 24;
    }
    out.push_back(e);
    e.values = Values::kTrellis;
    out.push_back(e);
  }
  return out;
}

void make_trellis(Sample* sample, uint64_t seed) {
  std::mt19937_64 random(seed);
  const uint64_t elements = sample->words.size();
  const uint64_t cols = sample->view.cols == 0 ? format::default_view_cols(sample->dims, elements)
                                               : sample->view.cols;
  const uint64_t rows = elements / cols;
  sample->encoding.grid_run = 1;
  sample->encoding.grid_units = 1;
  sample->scales = {0.25F};
  std::vector<int64_t> k;
  std::vector<int64_t> offsets;
  for (uint64_t v = 0; v < elements; ++v) {
    const size_t c = v % cols;
    k.resize(c);
    offsets.resize(c);
    offsets.push_back(c == 0 ? 0 : ((c == 1 ? 0 : offsets[c - 2]) ^ (k[c - 1] & 1)));
    k.push_back(static_cast<int64_t>(random() % 120) - 60);
    const int64_t integer = 2 * k[c] + offsets[c];
    const uint64_t at = sample->view.transposed ? v % cols * rows + v / cols : v;
    sample->words[at] = double_to_word(sample->dtype, static_cast<double>(integer) * 0.25);
  }
}

std::string encoding_name(const Encoding& e) {
  static constexpr const char* kPositions[] = {"dense", "bitmap", "gap", "gap-bucket"};
  static constexpr const char* kValues[] = {"raw",   "palette",    "grid",        "split",  "int",
                                            "delta", "dictionary", "class-split", "trellis"};
  std::string name = std::string(kPositions[static_cast<size_t>(e.positions)]) + "/" +
                     kValues[static_cast<size_t>(e.values)];
  if (e.has_classes()) {
    name += " classes " + std::to_string(e.classes) + " run " + std::to_string(e.class_run) +
            " units " + std::to_string(e.class_units);
  }
  if (e.has_scales()) {
    name += " run " + std::to_string(e.grid_run) + " units " + std::to_string(e.grid_units);
  }
  if (e.distance_count != 0) {
    name += " D " + std::to_string(e.distance_count) + " run " + std::to_string(e.delta_run) +
            " units " + std::to_string(e.delta_units);
  }
  if (e.gap_bits != 0) name += " b=" + std::to_string(e.gap_bits);
  if (e.bucket_t != 0)
    name += " t=" + std::to_string(e.bucket_t) + " s=" + std::to_string(e.bucket_s);
  return e.signs ? name + " signs" : name;
}

}  // namespace dcf::impl::testing
