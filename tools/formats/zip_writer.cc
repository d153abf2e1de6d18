// SPDX-License-Identifier: Apache-2.0
#include "formats/zip_writer.h"

#include <algorithm>
#include <utility>

#include "formats/le_bytes.h"
#include "formats/zip_crc.h"
#include "formats/zip_format.h"

namespace dcf::tools {
namespace {

using Buffer = std::vector<uint8_t>;

constexpr uint64_t kCrcOffset = 14;       // in the local header
constexpr uint64_t kEnd64BodyBytes = 44;  // after its signature and size
constexpr uint16_t kVersionPlain = 20;
constexpr uint16_t kVersionZip64 = 45;
constexpr uint16_t kMadeByUnix = 3 << 8;
constexpr uint32_t kUnixMode = 0100644;  // a regular file, rw-r--r--
constexpr uint16_t kFlagDescriptor = 1 << 3;
constexpr uint16_t kFlagUtf8 = 1 << 11;
constexpr uint16_t kDosDate = (1 << 5) | 1;  // 1 January 1980, the earliest there is

void append_text(Buffer* out, const std::string& text) {
  out->insert(out->end(), text.begin(), text.end());
}

uint32_t saturate32(uint64_t value) {
  return static_cast<uint32_t>(std::min(value, zip::kMax32));
}

}  // namespace

bool ZipWriter::is_large(const Entry& entry) const {
  return entry.bytes >= zip::kMax32;
}

// The checksum is known after the data: a file is patched, a stream gets a data descriptor.
uint16_t ZipWriter::flags() const {
  return file_->can_patch() ? kFlagUtf8 : static_cast<uint16_t>(kFlagUtf8 | kFlagDescriptor);
}

void ZipWriter::begin_entry(std::string name, uint64_t bytes) {
  Entry entry{.name = std::move(name), .bytes = bytes, .offset = file_->position(), .crc = 0};
  const bool large = is_large(entry);
  const uint64_t header_bytes = file_->can_patch() ? bytes : 0;
  Buffer header;
  append_le(&header, zip::kLocalSignature);
  append_le(&header, large ? kVersionZip64 : kVersionPlain);
  append_le(&header, flags());
  append_le(&header, uint16_t{0});  // stored
  append_le(&header, uint16_t{0});  // time
  append_le(&header, kDosDate);
  append_le(&header, uint32_t{0});  // checksum
  append_le(&header, large ? static_cast<uint32_t>(zip::kMax32) : saturate32(header_bytes));
  append_le(&header, large ? static_cast<uint32_t>(zip::kMax32) : saturate32(header_bytes));
  append_le(&header, static_cast<uint16_t>(entry.name.size()));
  append_le(&header, static_cast<uint16_t>(large ? 20 : 0));
  append_text(&header, entry.name);
  if (large) {
    append_le(&header, zip::kZip64ExtraId);
    append_le(&header, uint16_t{16});
    append_le(&header, header_bytes);
    append_le(&header, header_bytes);
  }
  file_->write(header);
  entries_.push_back(std::move(entry));
}

void ZipWriter::append(std::span<const uint8_t> bytes) {
  uint32_t& crc = entries_.back().crc;
  crc = update_crc(crc, bytes);
  file_->write(bytes);
}

void ZipWriter::end_entry() {
  const Entry& entry = entries_.back();
  Buffer bytes;
  if (file_->can_patch()) {
    append_le(&bytes, entry.crc);
    file_->patch(entry.offset + kCrcOffset, bytes);
    return;
  }
  append_le(&bytes, zip::kDescriptorSignature);
  append_le(&bytes, entry.crc);
  for (int i = 0; i < 2; ++i) {  // compressed and uncompressed size
    if (is_large(entry)) {
      append_le(&bytes, entry.bytes);
    } else {
      append_le(&bytes, static_cast<uint32_t>(entry.bytes));
    }
  }
  file_->write(bytes);
}

void ZipWriter::write_directory() {
  const uint64_t begin = file_->position();
  for (const Entry& entry : entries_) {
    Buffer extra;
    if (is_large(entry)) {
      append_le(&extra, entry.bytes);
      append_le(&extra, entry.bytes);
    }
    if (entry.offset >= zip::kMax32) append_le(&extra, entry.offset);
    const uint16_t extra_bytes = static_cast<uint16_t>(extra.empty() ? 0 : extra.size() + 4);

    Buffer record;
    append_le(&record, zip::kCentralSignature);
    const uint16_t version = extra.empty() ? kVersionPlain : kVersionZip64;
    append_le(&record, static_cast<uint16_t>(kMadeByUnix | version));
    append_le(&record, version);
    append_le(&record, flags());
    append_le(&record, uint16_t{0});  // stored
    append_le(&record, uint16_t{0});  // time
    append_le(&record, kDosDate);
    append_le(&record, entry.crc);
    append_le(&record, saturate32(entry.bytes));
    append_le(&record, saturate32(entry.bytes));
    append_le(&record, static_cast<uint16_t>(entry.name.size()));
    append_le(&record, extra_bytes);
    append_le(&record, uint16_t{0});  // comment
    append_le(&record, uint16_t{0});  // disk
    append_le(&record, uint16_t{0});  // internal attributes
    append_le(&record, kUnixMode << 16);
    append_le(&record, saturate32(entry.offset));
    append_text(&record, entry.name);
    if (!extra.empty()) {
      append_le(&record, zip::kZip64ExtraId);
      append_le(&record, static_cast<uint16_t>(extra.size()));
      record.insert(record.end(), extra.begin(), extra.end());
    }
    file_->write(record);
  }

  const uint64_t end = file_->position();
  const uint64_t count = entries_.size();
  Buffer tail;
  if (count >= zip::kMax16 || begin >= zip::kMax32 || end - begin >= zip::kMax32) {
    append_le(&tail, zip::kEnd64Signature);
    append_le(&tail, kEnd64BodyBytes);
    append_le(&tail, static_cast<uint16_t>(kMadeByUnix | kVersionZip64));
    append_le(&tail, kVersionZip64);
    append_le(&tail, uint32_t{0});  // disk
    append_le(&tail, uint32_t{0});  // disk of the directory
    append_le(&tail, count);
    append_le(&tail, count);
    append_le(&tail, end - begin);
    append_le(&tail, begin);
    append_le(&tail, zip::kLocator64Signature);
    append_le(&tail, uint32_t{0});  // disk
    append_le(&tail, end);
    append_le(&tail, uint32_t{1});  // disks
  }
  append_le(&tail, zip::kEndSignature);
  append_le(&tail, uint16_t{0});  // disk
  append_le(&tail, uint16_t{0});  // disk of the directory
  append_le(&tail, static_cast<uint16_t>(std::min(count, zip::kMax16)));
  append_le(&tail, static_cast<uint16_t>(std::min(count, zip::kMax16)));
  append_le(&tail, saturate32(end - begin));
  append_le(&tail, saturate32(begin));
  append_le(&tail, uint16_t{0});  // comment
  file_->write(tail);
}

}  // namespace dcf::tools
