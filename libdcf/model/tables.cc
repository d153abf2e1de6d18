// SPDX-License-Identifier: Apache-2.0
#include "model/tables.h"

#include <algorithm>
#include <bit>

#include "codec/codebook.h"
#include "codec/stream.h"

namespace dcf::impl::model {
namespace {

// Checks T-04, and adds up the records that this tensor is the first to use: tables are numbered in
// the order of their first use, `seen` counts them.
Status check_roles(const format::Tensor& t, const std::vector<codec::CodeLengths>& codes,
                   const std::vector<uint32_t>& record_bytes, uint32_t* seen,
                   uint32_t* first_use_bytes) {
  const format::Roles roles = format::roles_of(t.encoding, t.dtype);
  for (size_t i = 0; i < roles.count; ++i) {
    const uint32_t id = t.tables[i];
    if (id > *seen) {
      *seen = id;
      *first_use_bytes += record_bytes[id - 1];
    }
    if (id != 0 && codes[id - 1].last() >= roles.list[i].alphabet) {
      return fail(Code::BadManifest, "T-04",
                  "a table has symbols outside the alphabet of its stream");
    }
  }
  return ok_status();
}

// The predictors of units (8.5), or their classes (7.6). `coded`: the stream is Huffman-coded. Most
// maps are not, and a decode table takes longer to build than they to read.
Status parse_unit_map(ByteReader* in, const format::Tensor& t, format::Role role,
                      const std::vector<codec::CodeLengths>& codes, bool coded, MutableBytes map) {
  const format::Roles roles = format::roles_of(t.encoding, t.dtype);
  const size_t k = roles.find(role);
  std::optional<codec::DecodeTable> table;
  if (coded && t.tables[k] != 0) table.emplace(codes[t.tables[k] - 1]);
  std::vector<uint8_t> scratch(codec::stream_scratch_size(map.size()));
  return codec::decode_stream(in, roles.list[k].alphabet, table ? &*table : nullptr, map, scratch);
}

// Section 8.4.
Status parse_scales(ByteReader* in, uint64_t units, std::vector<float>* scales) {
  Bytes stored;
  if (!in->read_bytes(units * sizeof(float), &stored)) {
    return fail(Code::BadSection, "T-06", "the tables section ends inside the scales of a grid");
  }
  for (size_t at = 0; at < stored.size(); at += sizeof(float)) {
    const auto word = load_le<uint32_t>(stored.data() + at);
    constexpr uint32_t kInfinity = 0x7F800000;  // negative numbers and NaN are greater
    if (word >= kInfinity) {
      return fail(Code::BadCodebook, "V-05", "a scale is not a number from 0 on");
    }
    scales->push_back(std::bit_cast<float>(word));
  }
  return ok_status();
}

uint64_t grid_units(const format::ManifestParts& manifest) {
  uint64_t units = 0;
  for (const format::Tensor& t : manifest.tensors) units += t.encoding.grid_units;  // 0 for aliases
  return units;
}

uint64_t unit_map_bytes(const format::ManifestParts& manifest) {
  uint64_t units = 0;
  for (const format::Tensor& t : manifest.tensors)
    units += t.encoding.unit_map_size();  // 0 for aliases
  return units;
}

uint64_t codebook_words(const format::ManifestParts& manifest) {
  uint64_t words = 0;
  for (const format::Tensor& t : manifest.tensors)
    words += t.encoding.palette_size;  // 0 for aliases
  return words;
}

}  // namespace

uint64_t tables_memory(const format::ManifestParts& manifest) {
  constexpr uint64_t kPerTable = sizeof(codec::CodeLengths) + sizeof(uint32_t);
  constexpr uint64_t kPerTensor = sizeof(uint64_t) + 2 * sizeof(uint32_t);
  const uint64_t units = unit_map_bytes(manifest);
  const uint64_t scales = grid_units(manifest);
  uint64_t largest = 0;
  for (const format::Tensor& t : manifest.tensors) {
    largest = std::max<uint64_t>({largest, t.encoding.class_units, t.encoding.delta_units});
  }
  return manifest.table_count * kPerTable + manifest.tensors.size() * kPerTensor +
         codebook_words(manifest) * sizeof(uint64_t) + units + scales * sizeof(float) +
         (scales == 0 ? 0 : manifest.tensors.size() * sizeof(uint64_t)) +
         (units == 0 ? 0 : codec::stream_scratch_size(largest) + codec::DecodeTable::kMemory);
}

Result<Tables> parse_tables(Bytes section, const format::ManifestParts& manifest) {
  ByteReader in(section);
  Tables tables;
  // A record has at least 3 bytes: the count cannot ask for more memory than the section justifies.
  if (manifest.table_count > section.size() / 3) {
    return fail(Code::BadSection, "T-06", "the tables section is too short for its tables").at(0);
  }
  tables.codes.reserve(manifest.table_count);
  std::vector<uint32_t> record_bytes;
  record_bytes.reserve(manifest.table_count);
  for (uint32_t i = 0; i < manifest.table_count; ++i) {
    const size_t start = in.position();
    Result<codec::CodeLengths> code = codec::parse_code_lengths(&in);
    if (!code.ok()) return code.status().at(start);
    tables.codes.push_back(code.take());
    record_bytes.push_back(static_cast<uint32_t>(in.position() - start));
  }
  uint32_t seen = 0;
  tables.codebook_starts.reserve(manifest.tensors.size());
  tables.codebook_bytes.reserve(manifest.tensors.size());
  tables.code_bytes.reserve(manifest.tensors.size());
  // Each word but the first of a codebook takes at least one bit, so the section bounds this too.
  tables.codebook_words.reserve(
      std::min<uint64_t>(codebook_words(manifest), 8 * section.size() + manifest.tensors.size()));
  tables.unit_maps.reserve(unit_map_bytes(manifest));
  const uint64_t scales = grid_units(manifest);
  tables.scales.reserve(std::min<uint64_t>(scales, section.size() / sizeof(float)));
  if (scales > 0) tables.scale_starts.reserve(manifest.tensors.size());
  for (size_t i = 0; i < manifest.tensors.size(); ++i) {
    const format::Tensor& t = manifest.tensors[i];
    tables.code_bytes.push_back(0);
    Status s = check_roles(t, tables.codes, record_bytes, &seen, &tables.code_bytes.back());
    if (!s.ok()) return s.in_tensor(i);
    const size_t start = in.position();
    const bool mapped = t.encoding.unit_map_size() != 0;
    const size_t first = mapped ? tables.unit_maps.size() : tables.codebook_words.size();
    tables.codebook_starts.push_back(first);
    if (scales > 0) tables.scale_starts.push_back(tables.scales.size());
    s = parse_scales(&in, t.encoding.grid_units, &tables.scales);
    if (!s.ok()) return s.at(start).in_tensor(i);
    for (const auto& [role, units] : {std::pair{format::Role::kPredictors, t.encoding.delta_units},
                                      {format::Role::kClasses, t.encoding.class_units}}) {
      if (units == 0) continue;
      const size_t map_start = in.position();
      const size_t at = tables.unit_maps.size();
      tables.unit_maps.resize(at + units);
      const bool coded = map_start < section.size() && codec::is_huffman(section[map_start]);
      s = parse_unit_map(&in, t, role, tables.codes, coded,
                         MutableBytes(tables.unit_maps).subspan(at));
      if (!s.ok()) return s.at(map_start).in_tensor(i);
    }
    if (t.encoding.has_codebook()) {
      if (t.encoding.palette_size / 8 > in.remaining()) {
        return fail(Code::BadSection, "T-06", "the tables section ends inside a codebook")
            .at(start)
            .in_tensor(i);
      }
      tables.codebook_words.resize(first + t.encoding.palette_size);
      s = codec::parse_codebook(&in, t.dtype, std::span(tables.codebook_words).subspan(first));
      if (!s.ok()) return s.at(start).in_tensor(i);
    }
    const uint64_t of_scales = t.encoding.grid_units * sizeof(float);
    tables.codebook_bytes.push_back(static_cast<uint32_t>(in.position() - start - of_scales));
  }
  if (in.remaining() != 0) {
    return fail(Code::BadSection, "T-06", "bytes follow the last codebook").at(in.position());
  }
  return tables;
}

}  // namespace dcf::impl::model
