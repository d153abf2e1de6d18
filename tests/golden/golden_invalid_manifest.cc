// SPDX-License-Identifier: Apache-2.0
#include "golden_invalid_manifest.h"

namespace dcf::impl::testing {

using format::ManifestColumns;
using format::Positions;
using format::Values;

namespace {

Sample words(DType dtype, std::vector<uint64_t> dims, std::vector<uint64_t> values,
             format::Encoding encoding = {}) {
  Sample s;
  s.dtype = dtype;
  s.dims = std::move(dims);
  s.words = std::move(values);
  s.encoding = encoding;
  return s;
}

Sample named(const char* name, Sample s) {
  s.name = name;
  return s;
}

format::Encoding encoding(Positions positions, Values values) {
  format::Encoding e;
  e.positions = positions;
  e.values = values;
  return e;
}

// M-01 and M-02: other bytes in place of the manifest.
void add_messages(InvalidFiles* out) {
  const FileParts parts = make_parts({words(DType::kU8, {2}, {1, 2})});
  const Blob manifest =
      format::serialise_manifest_columns(take_apart(assemble(parts)).columns).value();
  const auto with = [&](const Blob& more) {
    Blob bytes = manifest;
    bytes.insert(bytes.end(), more.begin(), more.end());
    return assemble_with_manifest(parts, bytes);
  };
  out->add("manifest_ends_inside_a_word", "M-01", with({0x01}));
  // A struct of one pointer, to a list of one byte 100 words on.
  out->add("manifest_points_outside", "M-01",
           assemble_with_manifest(make_parts({}), {0x40, 0x01, 0x13, 0x91, 0x01, 0x0A}));
  out->add("manifest_has_a_word_too_many", "M-02", with({0x00, 0x00}));
}

void add_columns(InvalidFiles* out) {
  const FileParts raw = make_parts({words(DType::kU8, {2, 3}, {1, 2, 3, 4, 5, 6})});
  const auto column = [&](const char* name, const char* rule, auto change) {
    out->changed(name, rule, raw, [&](FileParts* p) { change(&p->columns); });
  };
  column("column_too_long", "M-03", [](ManifestColumns* c) { c->ranks.push_back(0); });
  column("optional_column_too_long", "M-03", [](ManifestColumns* c) { c->view_cols = {2, 2}; });
  column("name_not_utf8", "M-04", [](ManifestColumns* c) { c->names[0] = 0xFF; });
  column("rank_33", "M-05", [](ManifestColumns* c) {
    c->ranks[0] = 33;
    c->dims.resize(33, 1);
  });
  column("fidelity_3", "M-07", [](ManifestColumns* c) { c->fidelity = {3}; });
  column("error_bound_of_exact", "M-07", [](ManifestColumns* c) { c->error_bounds = {0.5}; });
  column("error_bound_negative_zero", "M-07", [](ManifestColumns* c) { c->error_bounds = {-0.0}; });
  column("column_of_zeros", "M-10", [](ManifestColumns* c) { c->fidelity = {0}; });
  column("raw_view_transposed", "M-13",
         [](ManifestColumns* c) { c->view_cols = {2 | 0x80000000}; });
  column("default_view_written", "M-15", [](ManifestColumns* c) { c->view_cols = {3}; });
  column("all_rows_written", "K-01", [](ManifestColumns* c) { c->rows_per_chunk = {2}; });
  out->changed("raw_chunk_too_long", "K-01", raw, [](FileParts* p) { p->chunks[0].push_back(0); });

  const Sample one = words(DType::kU8, {1}, {1});
  out->changed("names_not_sorted", "M-04", make_parts({named("a", one), named("b", one)}),
               [](FileParts* p) { std::swap(p->columns.names[0], p->columns.names[1]); });
  Sample alias = one;
  alias.alias_of = "a";
  out->changed("alias_of_an_alias", "M-08",
               make_parts({named("a", one), named("b", alias), named("c", alias)}),
               [](FileParts* p) {
                 p->columns.aliases = {0, 1, 2};
               });
  out->changed("metadata_not_sorted", "M-09", make_parts({}, {{"k", ""}, {"l", ""}}),
               [](FileParts* p) { std::swap(p->columns.metadata[0], p->columns.metadata[1]); });
  out->changed("metadata_not_utf8", "M-09", make_parts({}, {{"k", "v"}}),
               [](FileParts* p) { p->columns.metadata[1] = 0xC0; });
  out->changed_manifest("hash_of_no_tables", "T-07", raw,
                        [](ManifestColumns* c) { c->table_hash = 1; });
}

void add_encodings(InvalidFiles* out) {
  // A table that no role names, in front of those of a valid file.
  Sample coded = words(DType::kU8, {480}, {}, encoding(Positions::kDense, Values::kPalette));
  coded.huffman = codec::HuffmanLayout::kStreams;
  for (unsigned i = 0; i < 480; ++i) coded.words.push_back(i % 4 == 0 ? 7 : 9 + i % 8 / 6);
  out->changed("table_not_used", "M-06", make_parts({coded}), [](FileParts* p) {
    must(p->columns.table_count == 1, "the sample has one table");
    const Blob record = {0, 1, 0x11};
    p->tables.insert(p->tables.begin(), record.begin(), record.end());
    p->columns.table_count = 2;
    p->columns.tables = {2};
  });

  Sample empty = words(DType::kU8, {0}, {});
  out->changed("empty_tensor_not_raw", "M-14", make_parts({empty}), [](FileParts* p) {
    p->columns.encodings = {0x10};
    p->columns.params = {0};
    p->columns.tables = {0};
    p->tables = {0, 1};  // a codebook of one word
  });
  // Zero as an integer of 32 bits is symbol 0, for floats as well.
  out->changed(
      "int_of_floats", "M-14",
      make_parts({words(DType::kI32, {1}, {0}, encoding(Positions::kDense, Values::kInt))}),
      [](FileParts* p) { p->columns.dtypes = {static_cast<uint8_t>(DType::kF32)}; });
  // No element is skipped, so that no sign is missing.
  out->changed(
      "signs_of_integers", "P-01",
      make_parts({words(DType::kU8, {2}, {1, 2}, encoding(Positions::kBitmap, Values::kInt))}),
      [](FileParts* p) { p->columns.params = {1}; });
  out->changed("signs_of_a_dtype_without_negative_zero", "P-01",
               make_parts({words(DType::kF8E5M2FNUZ, {2}, {1, 0x80},
                                 encoding(Positions::kBitmap, Values::kInt))}),
               [](FileParts* p) { p->columns.params = {1}; });
  // The exponent of infinities and NaN is the greatest: base 63 leaves room for one symbol.
  format::Encoding split = encoding(Positions::kDense, Values::kSplit);
  split.split_t = 6;
  out->changed("split_beyond_the_exponents", "V-01",
               make_parts({words(DType::kF16, {2}, {0x7E00, 0x7E01}, split)}), [](FileParts* p) {
                 must(p->columns.params[2] == 63 && p->columns.params[4] == 0, "base 63, A 1");
                 p->columns.params[4] = 1;
               });
}

void add_classes(InvalidFiles* out) {
  // Columns 1 and 3 of four are of class 0.
  format::Encoding e = encoding(Positions::kDense, Values::kInt);
  e.classes = 3;
  e.class_run = 1;
  e.class_units = 4;
  Sample s = words(DType::kU8, {2, 4}, {5, 0, 6, 1, 7, 1, 4, 0}, e);
  s.class_map = {1, 0, 1, 0};
  const FileParts parts = make_parts({s});
  out->changed("classes_without_their_feature", "M-16", parts,
               [](FileParts* p) { p->header.features = 0; });
  out->changed("units_beyond_the_tensor", "P-07", parts, [](FileParts* p) {
    must(p->columns.params[1] == 1 && p->columns.params[5] == 4, "run and units");
    p->columns.params[1] = 3;
  });
  // A palette has one parameter byte, and a codebook of one word takes two bytes here.
  out->changed("classes_of_a_palette", "M-14", parts, [](FileParts* p) {
    p->columns.encodings = {0x14};
    p->columns.params.push_back(0);
    p->tables.insert(p->tables.end(), {0, 5});
  });
  Sample wide = s;
  wide.dtype = DType::kU16;
  out->changed("wide_classes_without_their_feature", "M-16", make_parts({wide}),
               [](FileParts* p) { p->header.features = format::kClassMaps; });
  out->changed("class_outside_the_classes", "S-07", parts, [](FileParts* p) {
    must(p->tables == Blob{0, 0x11}, "a stored map of 2 bits for each unit");
    p->tables[1] = 0x13;
  });
  out->changed("class_map_past_the_section", "S-02", parts,
               [](FileParts* p) { p->tables.pop_back(); });
}

void add_grids(InvalidFiles* out) {
  // Two rows, of the scales 0.5 and 0.25.
  format::Encoding e = encoding(Positions::kDense, Values::kGrid);
  e.grid_run = 4;
  e.grid_units = 2;
  std::vector<uint64_t> values;
  for (const float value : {0.5F, -1.0F, 0.0F, 3.0F, 2.0F, 0.25F, -0.25F, 0.0F}) {
    values.push_back(float_word(value));
  }
  Sample s = words(DType::kF32, {2, 4}, values, e);
  s.scales = {0.5F, 0.25F};
  const FileParts parts = make_parts({s});
  out->changed("grid_without_its_feature", "M-16", parts,
               [](FileParts* p) { p->header.features = 0; });
  out->changed("grid_beyond_the_tensor", "V-04", parts, [](FileParts* p) {
    must(p->columns.params == Blob{4, 0, 0, 0, 2, 0, 0, 0}, "run and units");
    p->columns.params[0] = 5;
  });
  out->changed("grid_without_a_scale", "V-04", parts,
               [](FileParts* p) { p->columns.params[4] = 0; });
  out->changed("grid_of_integers", "M-14", parts,
               [](FileParts* p) { p->columns.dtypes = {static_cast<uint8_t>(DType::kI32)}; });
  out->changed("grid_of_a_bitmap", "M-14", parts, [](FileParts* p) {
    p->columns.encodings = {0x21};
    p->columns.params.insert(p->columns.params.begin(), 0);
  });
  const auto second_scale = [&](const char* name, uint32_t word) {
    out->changed(name, "V-05", parts, [=](FileParts* p) {
      must(p->tables.size() == 8, "two scales");
      store_le(p->tables.data() + 4, word);
    });
  };
  second_scale("grid_scale_negative", 0xBE800000);
  second_scale("grid_scale_negative_zero", 0x80000000);
  second_scale("grid_scale_infinite", 0x7F800000);
  second_scale("grid_scale_nan", 0x7FC00000);
  out->changed("grid_scales_past_the_section", "T-06", parts,
               [](FileParts* p) { p->tables.pop_back(); });
}

void add_delta(InvalidFiles* out) {
  format::Encoding e = encoding(Positions::kDense, Values::kDelta);
  e.distance_count = 1;
  e.distances = {2};
  e.delta_run = 1;
  e.delta_units = 1;
  Sample s = words(DType::kU16, {8}, {10, 20, 11, 23, 12, 26, 13, 29}, e);
  s.predictors = {1};
  const FileParts parts = make_parts({s});
  out->changed("delta_without_its_feature", "M-16", parts,
               [](FileParts* p) { p->header.features = 0; });
  out->changed("delta_of_sparse_entries", "M-14", parts, [](FileParts* p) {
    p->columns.encodings = {0x51};
    p->columns.params.insert(p->columns.params.begin(), 0);  // signs
    p->columns.tables.push_back(0);
  });
  out->changed("distance_of_no_element", "P-08", parts, [](FileParts* p) {
    must(p->columns.params[0] == 1 && p->columns.params[1] == 2, "one distance");
    p->columns.params[1] = 0;
  });
  out->changed("predictor_without_a_distance", "S-07", parts, [](FileParts* p) {
    must(p->tables == Blob{1, 1}, "a constant map");
    p->tables[1] = 2;
  });
}

}  // namespace

void make_invalid_manifests(InvalidFiles* out) {
  add_messages(out);
  add_columns(out);
  add_encodings(out);
  add_classes(out);
  add_grids(out);
  add_delta(out);
}

}  // namespace dcf::impl::testing
