// SPDX-License-Identifier: Apache-2.0
#include "formats/file_layout.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "formats/beneath.h"
#include "formats/error.h"
#include "formats/tensor_meta.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr uint8_t kVersion = 0;
constexpr size_t kMaxTextBytes = 256;
// The low bits of a segment's first number.
constexpr unsigned kKindBits = 2;
constexpr uint64_t kRestStep = 0;    // number of bytes
constexpr uint64_t kTensorKind = 1;  // tensor; then bytes
constexpr uint64_t kBlocksKind = 2;  // blocks; then the number of parts; of each tensor and bytes
constexpr uint64_t kDescriptionsKind = 3;  // number of bytes

void append_number(std::vector<uint8_t>* out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<uint8_t>(value | 0x80));
  out->push_back(static_cast<uint8_t>(value));
}

void append_text(std::vector<uint8_t>* out, std::string_view text) {
  append_number(out, text.size());
  out->insert(out->end(), text.begin(), text.end());
}

}  // namespace

FileLayout::FileLayout(std::string_view format) : format_(format) {}

void FileLayout::note_type(uint64_t tensor, std::string_view type) {
  types_[tensor] = type.substr(0, kMaxTextBytes);
}

const std::string* FileLayout::type(uint64_t tensor) const {
  const auto it = types_.find(tensor);
  return it == types_.end() ? nullptr : &it->second;
}

std::vector<uint8_t> FileLayout::encoded() const {
  std::vector<uint8_t> result = {kVersion};
  append_text(&result, format_);
  append_number(&result, types_.size());
  for (const auto& [tensor, type] : types_) {
    append_number(&result, tensor);
    append_text(&result, type);
  }
  result.insert(result.end(), body_.begin(), body_.end());
  return result;
}

void FileLayout::begin_file(std::string_view name, uint64_t bytes) {
  append_text(&body_, name);
  append_number(&body_, bytes);
  files_.push_back({.name = std::string(name), .bytes = bytes, .sha256_at = body_.size()});
  body_.resize(body_.size() + sizeof(Sha256));
  position_ = 0;
}

void FileLayout::advance_to(uint64_t offset) {
  if (offset < position_) throw std::logic_error("FileLayout: segments overlap");
  if (offset == position_) return;
  append_number(&body_, (offset - position_) << kKindBits | kRestStep);
  rest_bytes_ += offset - position_;
  position_ = offset;
}

void FileLayout::tensor_at(uint64_t offset, uint64_t tensor, uint64_t bytes) {
  if (bytes == 0) return;
  advance_to(offset);
  append_number(&body_, tensor << kKindBits | kTensorKind);
  append_number(&body_, bytes);
  position_ += bytes;
}

void FileLayout::blocks_at(uint64_t offset, uint64_t blocks, std::span<const BlockPart> parts) {
  if (blocks == 0) return;
  advance_to(offset);
  append_number(&body_, blocks << kKindBits | kBlocksKind);
  append_number(&body_, parts.size());
  for (const BlockPart& part : parts) {
    append_number(&body_, part.tensor);
    append_number(&body_, part.bytes);
    position_ += blocks * part.bytes;
  }
}

void FileLayout::descriptions_at(uint64_t offset, uint64_t bytes) {
  if (bytes == 0) return;
  advance_to(offset);
  append_number(&body_, bytes << kKindBits | kDescriptionsKind);
  position_ += bytes;
}

void FileLayout::end_file() {
  advance_to(files_.back().bytes);
}

void FileLayout::set_sha256(size_t file, const Sha256& digest) {
  std::copy(digest.begin(), digest.end(), body_.begin() + files_[file].sha256_at);
}

FileLayout FileLayout::renumbered(std::span<const uint64_t> numbers) const {
  FileLayout result(format_);
  for (const auto& [tensor, type] : types_) result.types_[numbers[tensor]] = type;
  const std::vector<uint8_t> own = encoded();
  LayoutReader reader("a layout", own);
  LayoutFile file;
  while (reader.next_file(&file)) {
    result.begin_file(file.name, file.bytes);
    for (Segment segment; reader.next_segment(&segment);) {
      for (BlockPart& part : segment.parts) part.tensor = numbers[part.tensor];
      if (segment.kind == Segment::Kind::kTensor) {
        result.tensor_at(result.position_, segment.parts[0].tensor, segment.bytes);
      } else if (segment.kind == Segment::Kind::kBlocks) {
        result.blocks_at(result.position_, segment.blocks, segment.parts);
      } else if (segment.kind == Segment::Kind::kDescriptions) {
        result.descriptions_at(result.position_, segment.bytes);
      } else {
        result.advance_to(result.position_ + segment.bytes);
      }
    }
    result.end_file();
  }
  return result;
}

LayoutReader::LayoutReader(std::string where, std::span<const uint8_t> encoded)
    : where_(std::move(where)), left_(encoded) {
  if (left_.empty() || left_[0] != kVersion) {
    throw_failure(where_, "has a layout of files of a version that is not supported");
  }
  left_ = left_.subspan(1);
  format_ = text(kMaxTextBytes);
  for (uint64_t notes = number(); notes > 0; --notes) {
    const uint64_t tensor = number();
    if (!types_.empty() && tensor <= types_.rbegin()->first) fail("types are out of order");
    types_.emplace_hint(types_.end(), tensor, text(kMaxTextBytes));
  }
}

void LayoutReader::fail(const std::string& what) const {
  throw_invalid(where_, "has a damaged layout of files: " + what);
}

uint64_t LayoutReader::number() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (left_.empty()) fail("it is cut off");
    const uint8_t byte = left_[0];
    left_ = left_.subspan(1);
    if (shift == 63 && byte > 1) break;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift > 0) fail("a number has more bytes than it needs");
      return value;
    }
  }
  fail("a number does not fit into 64 bits");
}

std::string LayoutReader::text(size_t max_bytes) {
  const uint64_t size = number();
  if (size > max_bytes || size > left_.size()) fail("a text is too long");
  std::string result(left_.begin(), left_.begin() + static_cast<ptrdiff_t>(size));
  left_ = left_.subspan(static_cast<size_t>(size));
  if (!is_utf8(result)) fail("a text is not UTF-8");
  return result;
}

bool LayoutReader::next_file(LayoutFile* file) {
  if (missing_ != 0) throw std::logic_error("LayoutReader: segments were left out");
  if (left_.empty()) return false;
  file->name = text(kMaxNameBytes);
  if (!is_portable_path(file->name)) {
    fail(quote(file->name) + " is no name of a file below the output");
  }
  file->bytes = number();
  if (left_.size() < sizeof(Sha256)) fail("it is cut off");
  std::copy_n(left_.begin(), sizeof(Sha256), file->sha256.begin());
  left_ = left_.subspan(sizeof(Sha256));
  missing_ = file->bytes;
  return true;
}

bool LayoutReader::next_segment(Segment* segment) {
  if (missing_ == 0) return false;
  const uint64_t first = number();
  const uint64_t kind = first & ((uint64_t{1} << kKindBits) - 1);
  const uint64_t value = first >> kKindBits;
  segment->parts.clear();
  segment->blocks = 1;
  bool overflow = false;
  if (kind == kRestStep) {
    segment->kind = Segment::Kind::kRest;
    segment->bytes = value;
  } else if (kind == kTensorKind) {
    segment->kind = Segment::Kind::kTensor;
    segment->bytes = number();
    segment->parts.push_back({.tensor = value, .bytes = segment->bytes});
  } else if (kind == kBlocksKind) {
    segment->kind = Segment::Kind::kBlocks;
    segment->blocks = value;
    const uint64_t count = number();
    if (count == 0 || count > kMaxBlockParts) fail("a block has no parts or too many");
    uint64_t block_bytes = 0;
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t tensor = number();
      const uint64_t bytes = number();
      if (bytes == 0) fail("a part of a block is empty");
      for (const BlockPart& other : segment->parts) {
        if (other.tensor == tensor) fail("a tensor is in a block twice");
      }
      segment->parts.push_back({.tensor = tensor, .bytes = bytes});
      overflow |= __builtin_add_overflow(block_bytes, bytes, &block_bytes);
    }
    overflow |= __builtin_mul_overflow(block_bytes, value, &segment->bytes);
  } else {
    segment->kind = Segment::Kind::kDescriptions;
    segment->bytes = value;
  }
  if (overflow || segment->bytes == 0 || segment->bytes > missing_) {
    fail("a segment is empty or ends after its file");
  }
  missing_ -= segment->bytes;
  return true;
}

}  // namespace dcf::tools
