// SPDX-License-Identifier: Apache-2.0
#include "formats/zip_directory.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "formats/error.h"
#include "formats/le_bytes.h"
#include "formats/tensor_meta.h"
#include "formats/text.h"
#include "formats/zip_format.h"

namespace dcf::tools {
namespace {

constexpr uint64_t kLocalBytes = 30;
constexpr uint64_t kCentralBytes = 46;
constexpr uint64_t kEndBytes = 22;
constexpr uint64_t kEnd64Bytes = 56;
constexpr uint64_t kLocator64Bytes = 20;
constexpr uint64_t kMaxCommentBytes = 65535;
constexpr uint64_t kMaxDirectoryBytes = uint64_t{256} << 20;
constexpr uint16_t kMethodStored = 0;
constexpr uint16_t kMethodDeflated = 8;
constexpr uint16_t kEncryptionFlags = 0x2041;  // encrypted, strong encryption, masked headers
// Deflate spends at least two bits on a run of 258 bytes.
constexpr uint64_t kMaxDeflateRatio = 1032;

[[noreturn]] void throw_damaged(const InputFile& file, const std::string& what) {
  throw_invalid(file.path(), "is a damaged zip archive: " + what);
}

struct Directory {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t entries = 0;
};

// Without zip64 the directory ends at the end record, at `end_offset`; with it, at the zip64 one.
std::optional<Directory> find_directory64(const InputFile& file, uint64_t end_offset) {
  if (end_offset < kLocator64Bytes + kEnd64Bytes) return std::nullopt;
  const uint64_t locator_offset = end_offset - kLocator64Bytes;
  const auto locator = file.read_range(locator_offset, kLocator64Bytes);
  if (load_le<uint32_t>(locator.data()) != zip::kLocator64Signature) return std::nullopt;
  const uint64_t record_offset = load_le<uint64_t>(&locator[8]);
  if (record_offset > locator_offset - kEnd64Bytes) {
    throw_damaged(file, "its zip64 end record lies outside");
  }
  const auto record = file.read_range(record_offset, kEnd64Bytes);
  const uint64_t record_bytes = load_le<uint64_t>(&record[4]);
  if (load_le<uint32_t>(record.data()) != zip::kEnd64Signature ||
      record_bytes != locator_offset - record_offset - 12) {
    throw_damaged(file, "its zip64 end record is malformed");
  }
  const bool one_disk = load_le<uint32_t>(&record[16]) == 0 &&
                        load_le<uint32_t>(&record[20]) == 0 &&
                        load_le<uint64_t>(&record[24]) == load_le<uint64_t>(&record[32]);
  if (!one_disk) throw_failure(file.path(), "is a zip archive in several parts");
  const Directory directory{.offset = load_le<uint64_t>(&record[48]),
                            .bytes = load_le<uint64_t>(&record[40]),
                            .entries = load_le<uint64_t>(&record[32])};
  uint64_t directory_end = 0;
  if (__builtin_add_overflow(directory.offset, directory.bytes, &directory_end) ||
      directory_end != record_offset) {
    throw_damaged(file, "its directory is not where the end record says");
  }
  return directory;
}

Directory find_directory(const InputFile& file) {
  if (file.size() < kEndBytes) throw_damaged(file, "it is too short");
  const uint64_t tail_bytes = std::min(file.size(), kEndBytes + kMaxCommentBytes);
  const uint64_t tail_offset = file.size() - tail_bytes;
  const auto tail = file.read_range(tail_offset, tail_bytes);
  for (uint64_t at = tail_bytes - kEndBytes + 1; at-- > 0;) {
    const uint8_t* end = &tail[at];
    if (load_le<uint32_t>(end) != zip::kEndSignature) continue;
    if (at + kEndBytes + load_le<uint16_t>(end + 20) != tail_bytes) continue;
    const uint64_t end_offset = tail_offset + at;
    if (const auto directory = find_directory64(file, end_offset)) return *directory;
    if (load_le<uint16_t>(end + 4) != 0 || load_le<uint16_t>(end + 6) != 0 ||
        load_le<uint16_t>(end + 8) != load_le<uint16_t>(end + 10)) {
      throw_failure(file.path(), "is a zip archive in several parts");
    }
    const Directory directory{.offset = load_le<uint32_t>(end + 16),
                              .bytes = load_le<uint32_t>(end + 12),
                              .entries = load_le<uint16_t>(end + 10)};
    if (directory.offset + directory.bytes != end_offset) {
      throw_damaged(file, "its directory is not where the end record says");
    }
    return directory;
  }
  throw_damaged(file, "it has no end record (is it cut off?)");
}

// Each field is present only if its 32-bit counterpart is saturated, in this order.
void apply_zip64(const InputFile& file, std::span<const uint8_t> extra, ZipEntry* entry) {
  const bool needed = entry->bytes == zip::kMax32 || entry->compressed_bytes == zip::kMax32 ||
                      entry->header_offset == zip::kMax32;
  while (extra.size() >= 4) {
    const uint16_t id = load_le<uint16_t>(extra.data());
    const size_t size = load_le<uint16_t>(extra.data() + 2);
    if (size > extra.size() - 4) break;
    std::span<const uint8_t> body = extra.subspan(4, size);
    extra = extra.subspan(4 + size);
    if (id != zip::kZip64ExtraId) continue;
    for (uint64_t* field : {&entry->bytes, &entry->compressed_bytes, &entry->header_offset}) {
      if (*field != zip::kMax32) continue;
      if (body.size() < sizeof(uint64_t)) throw_damaged(file, "a zip64 field is missing");
      *field = load_le<uint64_t>(body.data());
      body = body.subspan(sizeof(uint64_t));
    }
    return;
  }
  if (needed) throw_damaged(file, "a zip64 field is missing");
}

// Reads the record at the front of `*rest` and drops it.
ZipEntry read_central(const InputFile& file, std::span<const uint8_t>* rest) {
  if (rest->size() < kCentralBytes || load_le<uint32_t>(rest->data()) != zip::kCentralSignature) {
    throw_damaged(file, "a directory record is malformed");
  }
  const uint8_t* record = rest->data();
  const size_t name_bytes = load_le<uint16_t>(record + 28);
  const size_t extra_bytes = load_le<uint16_t>(record + 30);
  const size_t comment_bytes = load_le<uint16_t>(record + 32);
  const size_t record_bytes = kCentralBytes + name_bytes + extra_bytes + comment_bytes;
  if (record_bytes > rest->size()) throw_damaged(file, "a directory record is cut off");

  ZipEntry entry;
  entry.name.assign(reinterpret_cast<const char*>(record + kCentralBytes), name_bytes);
  entry.crc = load_le<uint32_t>(record + 16);
  entry.compressed_bytes = load_le<uint32_t>(record + 20);
  entry.bytes = load_le<uint32_t>(record + 24);
  entry.header_offset = load_le<uint32_t>(record + 42);
  apply_zip64(file, rest->subspan(kCentralBytes + name_bytes, extra_bytes), &entry);

  entry.method = load_le<uint16_t>(record + 10);
  if ((load_le<uint16_t>(record + 8) & kEncryptionFlags) != 0) {
    entry.obstacle = "is encrypted, which is not supported";
  } else if (entry.method != kMethodStored && entry.method != kMethodDeflated) {
    entry.obstacle =
        "is packed with zip method " + std::to_string(entry.method) + ", which is not supported";
  }
  entry.deflated = entry.method == kMethodDeflated;
  const bool possible = entry.deflated ? entry.bytes / kMaxDeflateRatio <= entry.compressed_bytes
                                       : entry.bytes == entry.compressed_bytes;
  if (!possible && entry.obstacle.empty()) {
    throw_damaged(file, "the sizes of " + quote(entry.name) + " contradict each other");
  }
  *rest = rest->subspan(record_bytes);
  return entry;
}

// The local header repeats the name; name and extra field tell where the data starts.
void locate_data(const InputFile& file, uint64_t data_end, ZipEntry* entry) {
  const std::string name = quote(entry->name);
  if (entry->header_offset > data_end || data_end - entry->header_offset < kLocalBytes) {
    throw_damaged(file, name + " overlaps what follows");
  }
  const auto header = file.read_range(entry->header_offset, kLocalBytes);
  const uint16_t method = load_le<uint16_t>(&header[8]);
  const uint64_t name_bytes = load_le<uint16_t>(&header[26]);
  const uint64_t extra_bytes = load_le<uint16_t>(&header[28]);
  const uint64_t room = data_end - entry->header_offset - kLocalBytes;
  if (load_le<uint32_t>(header.data()) != zip::kLocalSignature ||
      name_bytes != entry->name.size() || method != entry->method ||
      name_bytes + extra_bytes > room) {
    throw_damaged(file, "directory and header of " + name + " differ");
  }
  const auto local_name = file.read_range(entry->header_offset + kLocalBytes, name_bytes);
  if (!std::equal(local_name.begin(), local_name.end(), entry->name.begin(),
                  [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); })) {
    throw_damaged(file, "directory and header of " + name + " differ");
  }
  entry->data_offset = entry->header_offset + kLocalBytes + name_bytes + extra_bytes;
  if (entry->compressed_bytes > data_end - entry->data_offset) {
    throw_damaged(file, name + " overlaps what follows");
  }
}

}  // namespace

std::vector<ZipEntry> read_zip_directory(const InputFile& file, const MemoryLimit& limit) {
  const Directory directory = find_directory(file);
  if (directory.entries > kMaxTensors + 1 || directory.bytes > kMaxDirectoryBytes) {
    throw_invalid(file.path(), "has more entries than the limit allows");
  }
  // The records, and what is made of them.
  limit.check(file.path(), "its directory",
              2 * directory.bytes + directory.entries * sizeof(ZipEntry));
  const auto records = file.read_range(directory.offset, directory.bytes);
  std::span<const uint8_t> rest(records);
  std::vector<ZipEntry> entries;
  for (uint64_t i = 0; i < directory.entries; ++i) entries.push_back(read_central(file, &rest));
  if (!rest.empty()) throw_damaged(file, "its directory holds more than the declared entries");

  std::sort(entries.begin(), entries.end(),
            [](const ZipEntry& a, const ZipEntry& b) { return a.header_offset < b.header_offset; });
  // Overlapping entries would let a small file unpack to any size.
  uint64_t data_end = directory.offset;
  for (size_t i = entries.size(); i-- > 0;) {
    locate_data(file, data_end, &entries[i]);
    data_end = entries[i].header_offset;
  }
  if (data_end != 0) throw_damaged(file, "other bytes lie before its first entry");
  return entries;
}

}  // namespace dcf::tools
