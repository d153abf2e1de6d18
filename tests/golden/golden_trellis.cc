// SPDX-License-Identifier: Apache-2.0
#include "golden_trellis.h"

namespace dcf::impl::testing {
namespace {

// Scales of the tensor, of columns, rows and runs, then offsets of both kinds; chunks that begin
// anywhere in the units; rows of the view that are no rows of the tensor; a transposed view.
std::vector<Sample> trellis_samples(codec::HuffmanLayout layout) {
  std::vector<Sample> out;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const format::Encoding& e : encodings_of(dtype)) {
      if (e.values != format::Values::kTrellis) continue;
      out.push_back(sample_of_units(dtype, e, out.size(), layout, 90, 30));
      Sample s = sample_of_units(dtype, e, out.size(), layout, 90, 30);
      make_trellis(&s, out.size());
      s.name += " offsets";
      out.push_back(s);
    }
  }
  return out;
}

}  // namespace

void make_trellis_files(ValidFiles* out) {
  for (const auto& [name, layout] : {std::pair{"trellis_streams", codec::HuffmanLayout::kStreams},
                                     {"trellis_tree", codec::HuffmanLayout::kTree}}) {
    out->add(name, make_file(trellis_samples(layout)), dense_of(trellis_samples(layout)));
  }
}

void make_invalid_trellis(InvalidFiles* out) {
  // The example of section 8.4.
  Sample s;
  s.dims = {1, 6};
  for (const float value : {1.0F, -1.5F, 2.0F, 0.5F, -1.0F, 3.0F}) {
    s.words.push_back(float_word(value));
  }
  s.encoding.values = format::Values::kTrellis;
  s.encoding.grid_run = 1;
  s.encoding.grid_units = 1;
  s.scales = {0.5F};
  const FileParts parts = make_parts({s});
  must(parts.chunks[0] == Blob{0, 2, 3, 4, 0, 1, 6}, "the example of the specification");
  out->changed("trellis_without_its_feature", "M-16", parts,
               [](FileParts* p) { p->header.features = format::kGridValues; });
  out->changed("trellis_of_integers", "M-14", parts,
               [](FileParts* p) { p->columns.dtypes = {static_cast<uint8_t>(DType::kI32)}; });
  out->changed("trellis_beyond_the_tensor", "V-04", parts,
               [](FileParts* p) { p->columns.params[0] = 7; });
  out->changed("trellis_number_too_large", "S-07", parts,
               [](FileParts* p) { p->chunks[0][6] = 196; });
}

}  // namespace dcf::impl::testing
