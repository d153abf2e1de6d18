// SPDX-License-Identifier: Apache-2.0
#include "golden_class_split.h"

namespace dcf::impl::testing {
namespace {

// Units of each class end in zeros of their own.
std::vector<Sample> samples(codec::HuffmanLayout layout) {
  std::vector<Sample> out;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64}) {
    for (const format::Encoding& e : encodings_of(dtype)) {
      if (e.values != format::Values::kClassSplit) continue;
      Sample s = sample_of_units(dtype, e, out.size(), layout);
      for (uint64_t v = 0; v < s.words.size(); ++v) {
        const uint64_t at = s.view.transposed ? v % 10 * 24 + v / 10 : v;
        if (v / e.class_run % e.class_units % e.classes != 1) s.words[at] |= 1;
      }
      out.push_back(s);
    }
  }
  return out;
}

}  // namespace

void make_class_split(ValidFiles* out) {
  for (const auto& [name, layout] :
       {std::pair{"class_split_streams", codec::HuffmanLayout::kStreams},
        {"class_split_tree", codec::HuffmanLayout::kTree}}) {
    out->add(name, make_file(samples(layout)), dense_of(samples(layout)));
  }
}

void make_invalid_class_split(InvalidFiles* out) {
  // The example of section 8.2.
  Sample s;
  s.dtype = DType::kF16;
  s.dims = {2, 2};
  s.words = {0x3E00, 0x3D00, 0xBE00, 0x3C80};
  s.encoding.values = format::Values::kClassSplit;
  s.encoding.split_t = 5;
  s.encoding.classes = 2;
  s.encoding.class_run = 1;
  s.encoding.class_units = 2;
  s.class_map = {1, 0};
  const FileParts parts = make_parts({s});
  must(parts.chunks[0] == Blob{1, 0, 1, 0, 0x24, 0x0E}, "the example of the specification");
  out->changed("class_split_without_its_feature", "M-16", parts,
               [](FileParts* p) { p->header.features &= ~format::kClassZeros; });
  out->changed("zero_bits_of_a_class", "V-01", parts, [](FileParts* p) {
    must(p->columns.params[10] == 7 && p->columns.params[11] == 9, "z of both classes");
    p->columns.params[11] = 11;
    p->chunks[0].pop_back();  // fields of no bits
  });
  out->changed("padding_of_the_fields_of_a_class", "S-02", parts,
               [](FileParts* p) { p->chunks[0][5] = 0x1E; });
}

}  // namespace dcf::impl::testing
