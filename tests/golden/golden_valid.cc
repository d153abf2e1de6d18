// SPDX-License-Identifier: Apache-2.0
#include "golden_valid.h"

#include "base/float_convert.h"
#include "dcf/dcf.hpp"
#include "support/name_forms.h"

namespace dcf::impl::testing {

using codec::HuffmanLayout;
using format::Encoding;
using format::Positions;

namespace {

int append(void* ctx, const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  static_cast<Blob*>(ctx)->insert(static_cast<Blob*>(ctx)->end(), bytes, bytes + size);
  return 0;
}

// The samples through the library's writer, which chooses encodings by itself unless told.
Blob write_samples(const std::vector<Sample>& samples, dcf_positions positions) {
  Blob out;
  dcf::Result<dcf::Writer> writer = dcf::Writer::open({sizeof(dcf_sink), &out, append});
  must(bool{writer}, "no writer");
  dcf_encode_options options = dcf::encode_options();
  options.positions = positions;
  for (const Sample& s : samples) {
    dcf_tensor_spec spec = dcf::tensor_spec(s.name, static_cast<dcf_dtype>(s.dtype), s.dims);
    spec.opaque_bits = s.opaque_bits;
    spec.opaque_name = s.opaque_name.data();
    spec.opaque_name_size = s.opaque_name.size();
    must(bool{writer->add_bytes(spec, dense_bytes(s), options)}, s.name.c_str());
  }
  must(bool{writer->add_metadata("producer", "golden")}, "no metadata");
  must(bool{writer->finish()}, "the file is not written");
  return out;
}

// Every dtype of the first golden set, shapes of rank 0 and without elements, names of any UTF-8.
std::vector<Sample> all_dtypes() {
  std::vector<Sample> out;
  for (int d = 1; d <= 31; ++d) {
    const auto dtype = static_cast<DType>(d);
    if (!is_known(dtype) || is_fnuz(dtype)) continue;
    Sample s;
    if (is_raw_only(dtype)) {
      s.dtype = dtype;
      s.dims = {3, 5};
      s.opaque_bits = dtype == DType::kOpaque ? 11 : 0;
      s.opaque_name = dtype == DType::kOpaque ? "posit11" : "";
      for (uint64_t i = 0; i < 15; ++i)
        s.words.push_back(i * 0x9E3779B97F4A7C15u >> (64 - bits_of(s)));
    } else {
      s = random_sample(dtype, {5, 24}, {}, static_cast<uint64_t>(d));
    }
    s.name = std::string("dtype/") + dtype_name(dtype);
    out.push_back(s);
  }
  const auto shape = [&](const char* name, std::vector<uint64_t> dims,
                         std::vector<uint64_t> words) {
    Sample s;
    s.name = name;
    s.dims = std::move(dims);
    s.words = std::move(words);
    out.push_back(s);
  };
  shape("", {}, {float_word(-2.5f)});
  shape("empty", {0, 7}, {});
  shape("nan payload", {3}, {0x7FC12345, 0xFF800001, 0x80000000});
  shape("gewicht ß \xF0\x9F\x90\x98", {1, 1, 2}, {float_word(1), float_word(2)});
  return out;
}

// Each encoding of these dtypes once, in the given Huffman layout, chunked, some views transposed.
std::vector<Sample> all_encodings(HuffmanLayout layout) {
  std::vector<Sample> out;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kI16, DType::kU8, DType::kI64}) {
    for (const Encoding& e : encodings_of(dtype)) {
      if (e.bucket_t == 3 || e.gap_bits == 8 || format::features_of(e, dtype) != 0) continue;
      Sample s = random_sample(dtype, {9, 40}, e, out.size(), 5, 7);
      s.name = std::string(dtype_name(dtype)) + " " + encoding_name(e);
      s.huffman = layout;
      if (out.size() % 3 == 1) s.rows_per_chunk = 4;
      if (out.size() % 4 == 2 && !e.is_raw()) s.view = {9, true};
      out.push_back(s);
    }
  }
  return out;
}

Sample small(const char* name, DType dtype, std::vector<uint64_t> dims, std::vector<uint64_t> words,
             Encoding encoding = {}) {
  Sample s;
  s.name = name;
  s.dtype = dtype;
  s.dims = std::move(dims);
  s.words = std::move(words);
  s.encoding = encoding;
  return s;
}

Encoding palette(Positions positions) {
  Encoding e;
  e.positions = positions;
  e.values = format::Values::kPalette;
  return e;
}

Sample count_up(const char* name, DType dtype, uint64_t n, Encoding encoding) {
  Sample s = small(name, dtype, {n}, {}, encoding);
  for (uint64_t i = 0; i < n; ++i) s.words.push_back(i);
  return s;
}

// Sparse split values with signs in transposed views of two chunks.
std::vector<Sample> transposed_signs(HuffmanLayout layout) {
  std::vector<Sample> out;
  for (Encoding e : encodings_of(DType::kBF16)) {
    if (e.values != format::Values::kSplit || !e.signs) continue;
    Sample s = random_sample(DType::kBF16, {40, 6}, e, out.size() + 1, 3, 5);
    s.name = encoding_name(e);
    s.view = {40, true};
    s.rows_per_chunk = 4;
    s.huffman = layout;
    out.push_back(s);
  }
  return out;
}

// Classes of columns, rows and pairs; chunks that begin anywhere in the units; a transposed view.
std::vector<Sample> classes(HuffmanLayout layout, const std::vector<DType>& dtypes) {
  std::vector<Sample> out;
  for (const DType dtype : dtypes) {
    for (const Encoding& e : encodings_of(dtype)) {
      if (format::features_of(e, dtype) != format::kClassMaps || e.has_scales()) continue;
      out.push_back(sample_of_units(dtype, e, out.size(), layout));
    }
  }
  return out;
}

// Scales of the tensor, of columns, rows and runs; chunks that begin anywhere in the units; a
// transposed view.
std::vector<Sample> grids(HuffmanLayout layout) {
  std::vector<Sample> out;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const Encoding& e : encodings_of(dtype)) {
      if (e.values != format::Values::kGrid) continue;
      out.push_back(sample_of_units(dtype, e, out.size(), layout, 90));
    }
  }
  return out;
}

// Delta values of all widths, some with classes; rows of the view that are no rows of the tensor.
std::vector<Sample> deltas(HuffmanLayout layout) {
  std::vector<Sample> out;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kF64, DType::kF8E4M3FNUZ, DType::kI8,
                            DType::kU8, DType::kI16, DType::kU32, DType::kI64}) {
    for (const Encoding& e : encodings_of(dtype)) {
      if (e.values != format::Values::kDelta) continue;
      out.push_back(sample_of_units(dtype, e, out.size(), layout, 20, 34));
    }
  }
  return out;
}

// Products that are subnormal, -0, infinite or rounded twice; integers that are no floats.
std::vector<Sample> odd_grids() {
  std::vector<Sample> out;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    Encoding e;
    e.values = format::Values::kGrid;
    e.grid_run = 1;
    e.grid_units = 6;
    Sample s = small(dtype_name(dtype), dtype, {4, 6}, {}, e);
    s.scales = {0, 0x1p-149F, 0x1.fffffep127F, 1, 0.1F, 0x1.8p-26F};
    for (const float k : {-0.0F, 0.0F, 7.0F, -0x1p31F}) {
      for (const float scale : s.scales)
        s.words.push_back(double_to_word(dtype, double{k * scale}));
    }
    out.push_back(s);
  }
  return out;
}

void add(ValidFiles* out, const char* name, const std::vector<Sample>& samples,
         const Metadata& metadata = {},
         const std::vector<std::pair<uint32_t, Blob>>& sections = {}) {
  out->add(name, assemble(make_parts(samples, metadata, sections)), dense_of(samples));
}

std::vector<Sample> aliases() {
  Sample a = random_sample(DType::kF32, {12, 30}, {}, 5, 3, 40);
  a.name = "a";
  Sample b = a;
  b.name = "b";
  Sample c = a;
  c.name = "c";
  c.dims = {360};
  Sample d = a;
  d.name = "d";
  d.words[7] ^= 1;
  return {a, b, c, d};
}

}  // namespace

Sample paper_layer() {
  Encoding e;
  e.positions = Positions::kGap;
  e.gap_bits = 4;
  e.values = format::Values::kPalette;
  Sample s = random_sample(DType::kF32, {30, 100}, e, 11, 12, 30);
  s.name = "fc/weight";
  s.huffman = HuffmanLayout::kStreams;
  return s;
}

void make_valid(ValidFiles* out) {
  const std::vector<Sample> dtypes = all_dtypes();
  FileParts plain = take_apart(write_samples(dtypes, DCF_POSITIONS_AUTO));
  use_plain_names(&plain);  // as the first golden set has them
  out->add("dtypes", assemble(plain), dense_of(dtypes));
  const Sample layer = paper_layer();
  out->add("paper", write_samples({layer}, DCF_POSITIONS_GAP), dense_of({layer}));
  // dense.dcf is the palette that a writer without grids made of it.
  for (const auto& [name, choice] : {std::pair{"bitmap", DCF_POSITIONS_BITMAP},
                                     {"gap_bucket", DCF_POSITIONS_GAP_BUCKET},
                                     {"grid_of_a_writer", DCF_POSITIONS_DENSE}}) {
    out->add(name, write_samples({layer}, choice), dense_of({layer}));
  }
  out->add("aliases", write_samples(aliases(), DCF_POSITIONS_AUTO), dense_of(aliases()));
  out->add("empty", write_samples({}, DCF_POSITIONS_AUTO), {});
  for (const auto& [name, layout] : {std::pair{"encodings_streams", HuffmanLayout::kStreams},
                                     {"encodings_tree", HuffmanLayout::kTree}}) {
    out->add(name, make_file(all_encodings(layout)), dense_of(all_encodings(layout)));
  }
  Sample raw = random_sample(DType::kU16, {2100}, {}, 8, 1, 2000);
  out->add("aligned", assemble(make_parts({raw}, {{"k", "v"}})), dense_of({raw}));
  out->add("unknown_section", assemble(make_parts({layer}, {}, {{1, {}}, {4711, {1, 2, 3}}})),
           dense_of({layer}));
  FileParts minor = make_parts({layer});
  minor.header.minor = 7;
  out->add("newer_minor", assemble(minor), dense_of({layer}));
}

void make_coded_names(ValidFiles* out) {
  const auto add_names = [&](const char* name, const std::vector<std::string>& names) {
    std::vector<Sample> samples;
    for (const std::string& tensor : names)
      samples.push_back(small(tensor.c_str(), DType::kU8, {1}, {samples.size() & 0xFF}));
    FileParts parts = make_parts(samples);
    use_coded_names(&parts);
    out->add(name, assemble(parts), dense_of(samples));
  };
  std::vector<std::string> layers = {"", "embed \xC3\x9F", "head"};
  for (unsigned i = 0; i < 130; ++i) {
    for (const char* part : {".attn.weight", ".mlp.bias", ".mlp.weight"})
      layers.push_back("layers." + std::to_string(i) + part);
  }
  add_names("coded_names", layers);
  add_names("coded_names_of_one", {"w"});
  add_names("coded_names_without_a_letter", {""});
  // Drops of one byte and of two, numbers with extra bits.
  add_names("coded_names_long",
            {std::string(127, 'a'), std::string(128, 'b'), std::string(2000, 'c') + "d",
             std::string(2000, 'c') + "e", "f", std::string(4096, 'g')});
}

void make_unusual(ValidFiles* out) {
  add(out, "no_columns", {});
  add(out, "codebook_of_1",
      {small("w", DType::kF32, {3}, {float_word(2), float_word(2), float_word(2)},
             palette(Positions::kDense))});
  add(out, "codebook_of_256", {count_up("w", DType::kU8, 256, palette(Positions::kDense))});
  // The last distance has the longest run of ones there can be: 63, of order k = 0.
  Sample ones = count_up("w", DType::kU64, 41, palette(Positions::kDense));
  ones.words.back() = ~uint64_t{0};
  add(out, "codebook_of_63_ones", {ones});

  Encoding gap = palette(Positions::kGap);
  gap.gap_bits = 8;
  Sample far = small("w", DType::kF32, {1, 900}, std::vector<uint64_t>(900), gap);
  far.words[0] = far.words[256] = far.words[899] = float_word(1);  // 0 and 2 fillers
  add(out, "gap_of_8_bits", {far});
  Encoding bucket = palette(Positions::kGapBucket);
  bucket.bucket_t = 2;
  bucket.bucket_s = 2;
  add(out, "gap_bucket_s2", {random_sample(DType::kF32, {3, 200}, bucket, 3, 20)});

  Sample wide = small("dense", DType::kU8, {5}, {1, 2, 3, 4, 5});
  wide.view.cols = 1u << 22;
  Sample sparse = small("sparse", DType::kU8, {5}, {0, 2, 0, 0, 5}, palette(Positions::kBitmap));
  sparse.view.cols = 9;
  add(out, "view_beyond_the_tensor", {wide, sparse});
  for (const auto& [name, layout] : {std::pair{"transposed_signs_streams", HuffmanLayout::kStreams},
                                     {"transposed_signs_tree", HuffmanLayout::kTree}}) {
    add(out, name, transposed_signs(layout));
  }

  for (const auto& [name, layout] : {std::pair{"classes_streams", HuffmanLayout::kStreams},
                                     {"classes_tree", HuffmanLayout::kTree}}) {
    add(out, name,
        classes(layout,
                {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kU8, DType::kF8E4M3}));
  }
  for (const auto& [name, layout] : {std::pair{"wide_classes_streams", HuffmanLayout::kStreams},
                                     {"wide_classes_tree", HuffmanLayout::kTree}}) {
    add(out, name, classes(layout, {DType::kI16, DType::kU32, DType::kI64}));
  }
  for (const auto& [name, layout] : {std::pair{"delta_streams", HuffmanLayout::kStreams},
                                     {"delta_tree", HuffmanLayout::kTree}}) {
    add(out, name, deltas(layout));
  }
  for (const auto& [name, layout] :
       {std::pair{"grid_streams", HuffmanLayout::kStreams}, {"grid_tree", HuffmanLayout::kTree}}) {
    add(out, name, grids(layout));
  }
  add(out, "grid_odd", odd_grids());
  // Sixteen classes, of which one unit each has two.
  Sample few = count_up("w", DType::kU8, 24, {});
  few.encoding.values = format::Values::kInt;
  few.encoding.classes = 16;
  few.encoding.class_run = 5;
  few.encoding.class_units = 2;
  few.class_map = {15, 3};
  add(out, "classes_without_units", {few});

  std::vector<Sample> fnuz;
  for (const DType dtype : {DType::kF8E4M3FNUZ, DType::kF8E5M2FNUZ}) {
    Encoding bitmap = palette(Positions::kBitmap);
    fnuz.push_back(count_up(dtype_name(dtype), dtype, 256, palette(Positions::kDense)));
    fnuz.push_back(random_sample(dtype, {12, 16}, bitmap, 5, 4, 6));
    fnuz.back().words[7] = 0x80;  // NaN: a nonzero
    fnuz.back().name = std::string("sparse ") + dtype_name(dtype);
  }
  add(out, "dtypes_fnuz", fnuz);

  const Sample one = small("w", DType::kBool, {4}, {0, 1, 2, 255});
  add(out, "ancillary_sections", {one}, {}, {{0, {7}}, {3, {}}, {0x7FFFFFFF, {1, 2, 3}}});
  add(out, "metadata_of_any_text", {one}, {{"", ""}, {std::string(1, '\0'), "a\nb"}, {"k", ""}});
  FileParts unused = make_parts({small("w", DType::kU8, {2}, {5, 9}, palette(Positions::kDense))});
  const Blob record = {0, 1, 0x11};  // two codes of one bit; the stream is in mode stored
  unused.tables.insert(unused.tables.begin(), record.begin(), record.end());
  unused.columns.tables = {1};
  unused.columns.table_count = 1;
  out->add("table_of_no_stream", assemble(unused), {5, 9});
  Sample opaque = small("a", DType::kOpaque, {2, 3}, {1, 2, 3, 4, 5, 6});
  opaque.opaque_bits = 7;
  opaque.opaque_name = "posit7";
  Sample other = opaque;
  other.name = "b";
  other.dims = {6};
  other.opaque_name = "int7";
  other.alias_of = "a";
  add(out, "alias_of_another_type_name", {opaque, other});
}

}  // namespace dcf::impl::testing
