// SPDX-License-Identifier: Apache-2.0
#include "encode/write/part_index.h"

#include <algorithm>
#include <cstdio>

#include "base/limits.h"
#include "base/utf8.h"

namespace dcf::impl::encode {
namespace {

constexpr uint64_t kVersion = 0;
constexpr uint64_t kMaxEncodings = 4;  // one for each kind of positions

void append_number(std::vector<uint8_t>* out, uint64_t number) {
  out->resize(out->size() + sizeof number);
  store_le(out->data() + out->size() - sizeof number, number);
}

bool read_number(ByteReader* reader, uint64_t* out) {
  Bytes bytes;
  if (!reader->read_bytes(sizeof *out, &bytes)) return false;
  *out = load_le<uint64_t>(bytes.data());
  return true;
}

bool read_entry(ByteReader* reader, PartEntry* entry) {
  uint64_t name_size = 0;
  uint64_t rank = 0;
  Bytes name;
  Bytes by_positions;
  if (!read_number(reader, &name_size) || name_size > kMaxNameBytes ||
      !reader->read_bytes(name_size, &name) || !is_utf8(name) || !read_number(reader, &rank) ||
      rank > kMaxRank) {
    return false;
  }
  entry->name.assign(name.begin(), name.end());
  entry->dims.resize(static_cast<size_t>(rank));
  for (uint64_t& dim : entry->dims) {
    if (!read_number(reader, &dim)) return false;
  }
  if (!read_number(reader, &entry->encodings) || entry->encodings == 0 ||
      entry->encodings > kMaxEncodings ||
      !reader->read_bytes(entry->by_positions.size(), &by_positions) ||
      !read_number(reader, &entry->first_chunk) || !read_number(reader, &entry->chunks)) {
    return false;
  }
  std::copy(by_positions.begin(), by_positions.end(), entry->by_positions.begin());
  const bool choice_exists = std::all_of(by_positions.begin(), by_positions.end(),
                                         [&](uint8_t which) { return which < entry->encodings; });
  if (!entry->is_range()) return choice_exists && entry->first_chunk == 0;
  return choice_exists && entry->encodings == 1 && entry->first_chunk < entry->chunks;
}

}  // namespace

std::string part_tensor_name(size_t entry, size_t encoding) {
  std::array<char, 32> name;
  const int size = std::snprintf(name.data(), name.size(), "%016zx.%zu", entry, encoding);
  return {name.data(), static_cast<size_t>(size)};
}

std::vector<uint8_t> serialise_part_index(std::span<const PartEntry> entries) {
  std::vector<uint8_t> out;
  append_number(&out, kVersion);
  for (const PartEntry& entry : entries) {
    append_number(&out, entry.name.size());
    out.insert(out.end(), entry.name.begin(), entry.name.end());
    append_number(&out, entry.dims.size());
    for (const uint64_t dim : entry.dims) append_number(&out, dim);
    append_number(&out, entry.encodings);
    out.insert(out.end(), entry.by_positions.begin(), entry.by_positions.end());
    append_number(&out, entry.first_chunk);
    append_number(&out, entry.chunks);
  }
  return out;
}

Result<std::vector<PartEntry>> parse_part_index(Bytes bytes) {
  const Status bad = fail(Code::BadSection, "", "the index of a part is damaged");
  ByteReader reader(bytes);
  uint64_t version = 0;
  if (!read_number(&reader, &version) || version != kVersion) return bad;
  std::vector<PartEntry> entries;
  while (reader.remaining() > 0) {
    PartEntry& entry = entries.emplace_back();
    if (!read_entry(&reader, &entry)) return bad;
  }
  return entries;
}

}  // namespace dcf::impl::encode
