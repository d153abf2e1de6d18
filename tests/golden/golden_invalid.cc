// SPDX-License-Identifier: Apache-2.0
#include "golden_invalid.h"

#include "base/hash.h"
#include "golden_valid.h"

namespace dcf::impl::testing {
namespace {

FileParts damaged_base() {
  Sample s = paper_layer();
  s.dims = {6, 30};
  s.words.resize(180);
  return make_parts({s}, {{"k", "v"}}, {{4711, {1, 2, 3}}});
}

}  // namespace

void make_damaged(InvalidFiles* out) {
  const FileParts base = damaged_base();
  const Blob valid = assemble(base);
  out->add("not_dcf", "H-01", {'h', 'e', 'l', 'l', 'o'});
  out->add("no_bytes", "H-01", {});
  out->add("short_header", "H-08", Blob(valid.begin(), valid.begin() + 63));
  out->add("truncated", "H-05", Blob(valid.begin(), valid.end() - 1));
  Blob longer = valid;
  longer.push_back(0);
  out->add("trailing", "H-09", longer);
  const auto flip = [&](const char* name, const char* rule, size_t at) {
    Blob bytes = valid;
    bytes[at] ^= 0x10;
    out->add(name, rule, bytes);
  };
  flip("flipped_header", "H-02", 33);
  flip("flipped_manifest", "H-07", 80);
  flip("flipped_tables", "T-01", format::kHeaderBytes + load_le<uint64_t>(&valid[32]) + 1);
  flip("flipped_chunk", "K-03", valid.size() - 4);
  flip("flipped_section", "A-03", valid.size() - 1);
  const auto changed = [&](const char* name, const char* rule,
                           const std::function<void(FileParts*)>& change) {
    out->changed(name, rule, base, change);
  };
  changed("newer_major", "H-03", [](FileParts* p) { p->header.major = 1; });
  changed("unknown_feature", "H-04", [](FileParts* p) { p->header.features = 0x80; });
  changed("unknown_feature_high", "H-04", [](FileParts* p) { p->header.features = 0x80000000; });
  changed("critical_section", "A-01",
          [](FileParts* p) { p->columns.section_kinds[0] |= 0x80000000; });
  changed("unknown_encoding", "M-12", [](FileParts* p) { p->columns.encodings[0] = 0x92; });
  changed("unknown_dtype", "M-11", [](FileParts* p) { p->columns.dtypes[0] = 21; });
  changed("no_terminator_name", "M-04", [](FileParts* p) { p->columns.names[0] = 0; });
  changed("wrapping_shape", "M-05", [](FileParts* p) { p->columns.dims = {uint64_t{1} << 63, 2}; });
  changed("many_chunks", "M-03", [](FileParts* p) {
    p->columns.dims = {uint64_t{1} << 40, 30};
    p->columns.rows_per_chunk = {1};
  });
  changed("kraft", "T-03", [](FileParts* p) { p->tables[2] ^= 1; });
  out->comment("codebook_past_section was called codebook_order");
  changed("codebook_past_section", "T-06", [](FileParts* p) { p->tables.pop_back(); });
  changed("count", "K-05", [](FileParts* p) { ++p->columns.nonzeros[0]; });
  changed("chunk_mode", "S-01", [](FileParts* p) { p->chunks[0][0] = 9; });
  changed("chunk_left_over", "K-04", [](FileParts* p) { p->chunks[0].push_back(0); });
  changed("section_order", "A-02", [](FileParts* p) {
    p->columns.section_kinds = {4711, 4711};
    p->sections.push_back({});
  });
}

void make_invalid_headers(InvalidFiles* out) {
  const Blob valid = assemble(damaged_base());
  const auto field = [&](const char* name, const char* rule, size_t at, uint64_t value,
                         size_t more_bytes = 0) {
    Blob bytes = valid;
    bytes.resize(bytes.size() + more_bytes);
    store_le(&bytes[at], value);
    store_le(&bytes[56], hash_bytes(Bytes(bytes).first(56)));
    out->add(name, rule, bytes);
  };
  field("manifest_offset", "H-06", 24, 65);
  field("reserved_field", "H-06", 48, 1);
  field("manifest_too_large", "H-06", 32, valid.size() - format::kHeaderBytes + 1);
  field("bytes_of_no_part", "K-06", 16, valid.size() + 1, 1);
}

void make_over_limits(InvalidFiles* out) {
  // Values of metadata may be any bytes: zeros, because 2 KiB of them pack into two bytes.
  FileParts manifest = make_parts({});
  manifest.columns.metadata.resize((uint64_t{205} << 20) + 1);
  manifest.columns.metadata[0] = 'k';
  manifest.columns.metadata_lengths = {1,
                                       static_cast<uint32_t>(manifest.columns.metadata.size()) - 1};
  out->add("manifest_of_205_mib", "L-01", assemble(manifest));

  // 2^42 bytes of zeros, in chunks of no bytes, and 64 aliases of them.
  format::Encoding bitmap;
  bitmap.positions = format::Positions::kBitmap;
  bitmap.values = format::Values::kSplit;
  bitmap.split_t = 5;
  constexpr uint64_t kRows = uint64_t{1} << 17;
  Sample s;
  s.dtype = DType::kF64;
  s.dims = {1};
  s.words = {0};
  s.encoding = bitmap;
  std::vector<Sample> samples = {s};
  for (int i = 0; i < 64; ++i) {
    samples.push_back(s);
    samples.back().name += std::to_string(10 + i);
    samples.back().alias_of = "t";
  }
  FileParts zeros = make_parts(samples);
  zeros.columns.dims.assign(samples.size(), kRows << 22);
  zeros.columns.view_cols.assign(samples.size(), 0);
  zeros.columns.rows_per_chunk.assign(samples.size(), 0);
  zeros.columns.view_cols[0] = 1u << 22;
  zeros.columns.rows_per_chunk[0] = 1;
  zeros.columns.chunk_entries.assign(kRows, 0);
  zeros.chunks.assign(kRows, {});
  out->add("output_of_2_48_bytes", "L-02", assemble(zeros));
}

}  // namespace dcf::impl::testing
