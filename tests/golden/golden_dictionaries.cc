// SPDX-License-Identifier: Apache-2.0
#include "golden_dictionaries.h"

namespace dcf::impl::testing {
namespace {

// `words` of u16 and a codebook of 0 to K - 1.
Sample counted(uint64_t k, std::vector<uint64_t> words) {
  Sample s;
  s.name = "w";
  s.dtype = DType::kU16;
  s.dims = {words.size()};
  s.words = std::move(words);
  s.encoding.values = format::Values::kDictionary;
  for (uint64_t word = 0; word < k; ++word) s.more_codes.push_back(word);
  return s;
}

std::vector<Sample> dictionaries(codec::HuffmanLayout layout) {
  std::vector<Sample> out;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kI16,
                            DType::kU16, DType::kI32, DType::kI64}) {
    format::Encoding e;
    e.values = format::Values::kDictionary;
    Sample s = random_sample(dtype, {18, 40}, e, out.size(), 1, 200 + 100 * (out.size() % 3));
    s.name = dtype_name(dtype);
    s.huffman = layout;
    if (out.size() % 2 == 1) s.rows_per_chunk = 5;
    if (out.size() % 4 == 2) s.view = {18, true};
    out.push_back(s);
  }
  return out;
}

}  // namespace

void make_dictionaries(ValidFiles* out) {
  const auto add = [&](const char* name, const std::vector<Sample>& samples) {
    out->add(name, make_file(samples), dense_of(samples));
  };
  add("dictionaries_streams", dictionaries(codec::HuffmanLayout::kStreams));
  add("dictionaries_tree", dictionaries(codec::HuffmanLayout::kTree));
  add("dictionary_of_257", {counted(257, {0, 256, 3, 255, 254})});
  add("dictionary_of_65536", {counted(65536, {0, 65535, 3, 256, 255, 32768})});
}

void make_invalid_dictionaries(InvalidFiles* out) {
  // Index 256 is the symbol 128 and the field 0.
  const FileParts parts = make_parts({counted(257, {256, 0})});
  must(parts.columns.params == Blob{0, 1}, "257 words");
  must(parts.chunks[0] == Blob{0, 0x80, 0, 0}, "stored symbols and fields");
  out->changed("dictionary_without_its_feature", "M-16", parts,
               [](FileParts* p) { p->header.features = 0; });
  out->changed("index_outside_its_dictionary", "V-06", parts,
               [](FileParts* p) { p->chunks[0][3] = 1; });
  out->changed("padding_of_indices", "S-02", parts, [](FileParts* p) { p->chunks[0][3] = 4; });
  out->changed("dictionary_of_256", "V-01", parts, [](FileParts* p) {
    p->columns.params = {255, 0};
    // The last of 256 steps of one bit becomes padding.
    must(p->tables == Blob(35), "k, a key of 16 bits and 256 steps");
    p->chunks[0] = {0, 0x80, 0};  // and fields of no bits
  });
}

}  // namespace dcf::impl::testing
