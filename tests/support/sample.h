// SPDX-License-Identifier: Apache-2.0
// A second, plain writer for tests: any encoding with any parameters, also those that the library's
// writer would not choose, straight from sections 4 to 9 of spec/dcf-format.md.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "codec/stream.h"
#include "support/file_parts.h"

namespace dcf::impl::testing {

// A tensor and how to store it.
struct Sample {
  std::string name = "t";
  DType dtype = DType::kF32;
  std::vector<uint64_t> dims;
  std::vector<uint64_t> words;  // one per element, in the order of the flattened tensor
  // Palette sizes and the split's z, base and A are worked out from the words. Classes, grids and
  // predictors that need a larger tensor have fewer units.
  format::Encoding encoding;
  format::View view;                            // cols 0: the default
  uint32_t rows_per_chunk = 0;                  // 0: one chunk
  std::optional<codec::HuffmanLayout> huffman;  // nothing: stored and constant streams only
  std::vector<bool> kept;  // sparse positions: which elements are entries; empty: the nonzeros
  std::vector<uint8_t> predictors;  // delta: of each unit; empty: unit number mod D + 1
  std::vector<uint8_t> class_map;   // with classes: of each unit; empty: unit number mod K
  // Grid, trellis: of each unit; empty: powers of two that suit random_sample().
  std::vector<float> scales;
  std::vector<uint64_t> more_codes;  // codebook words that no element has
  uint32_t opaque_bits =
      0;  // opaque dtype: its width, its name, and the dense bytes for any raw tensor
  std::string opaque_name;
  Blob dense;
  std::string alias_of;  // name of the tensor that holds the data; only name and dims count
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

// The pieces of a file of these tensors, which are sorted by name first.
FileParts make_parts(std::vector<Sample> samples, const Metadata& metadata = {},
                     const std::vector<std::pair<uint32_t, Blob>>& sections = {});
Blob make_file(std::vector<Sample> samples);

// The words of a sample as dense bytes.
Blob dense_bytes(const Sample& sample);
uint32_t bits_of(const Sample& sample);
uint64_t float_word(float value);

// A sparse f32 matrix: about one element in `every` is not zero, of `distinct` values; -0 among the
// zeros if the encoding stores signs. Deterministic.
Sample random_sample(DType dtype, std::vector<uint64_t> dims, format::Encoding encoding,
                     uint64_t seed, unsigned every = 4, unsigned distinct = 12);

// The words become trellis values of one scale, in the view of the sample, with offsets of both
// kinds; those of random_sample() are such in any view. Rows are whole.
void make_trellis(Sample* sample, uint64_t seed);

// The encodings a dtype can have, with parameters that reach each branch of the decoder.
std::vector<format::Encoding> encodings_of(DType dtype);
std::string encoding_name(const format::Encoding& encoding);

}  // namespace dcf::impl::testing
