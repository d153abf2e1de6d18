// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_detect.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "formats/protobuf_wire.h"

namespace dcf::tools {
namespace {

// Fields of a ModelProto.
constexpr uint64_t kVersionField = 1;
constexpr uint64_t kGraphField = 7;
constexpr uint64_t kMaxIrVersion = 1000;  // far beyond any that was given out

constexpr size_t kMaxFields = 4096;

// The wire type that ModelProto gives to a field; nothing for numbers it had not given out by 2025.
std::optional<unsigned> model_wire_type(uint64_t field) {
  constexpr uint64_t kModelVersion = 5;
  if (field == kVersionField || field == kModelVersion) return protobuf::kVarint;
  if ((field >= 2 && field <= 8) || field == 14 || field == 20 || field == 25 || field == 26) {
    return protobuf::kBytes;
  }
  return std::nullopt;
}

bool is_graph_field(uint64_t field) {
  return field == 1 || field == 2 || field == 5 || (field >= 10 && field <= 16);
}

// Reads varints at a place in the file.
class Cursor {
 public:
  explicit Cursor(const InputFile& file) : file_(file) {}

  uint64_t left() const { return file_.size() - at_; }
  void skip(uint64_t bytes) { at_ += bytes; }

  std::optional<uint64_t> varint() {
    constexpr size_t kMaxBytes = 10;
    std::array<uint8_t, kMaxBytes> bytes{};
    const auto size = static_cast<size_t>(std::min<uint64_t>(kMaxBytes, left()));
    file_.read_at(at_, std::span(bytes).first(size));
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      value |= static_cast<uint64_t>(bytes[i] & 0x7f) << (7 * i);
      if (bytes[i] >= 0x80) continue;
      at_ += i + 1;
      return value;
    }
    return std::nullopt;
  }

 private:
  const InputFile& file_;
  uint64_t at_ = 0;
};

bool starts_like_graph(Cursor* cursor, uint64_t bytes) {
  if (bytes == 0) return true;
  const auto tag = cursor->varint();
  return tag && (*tag & ((1u << protobuf::kWireTypeBits) - 1)) == protobuf::kBytes &&
         is_graph_field(*tag >> protobuf::kWireTypeBits);
}

}  // namespace

bool looks_like_onnx(const InputFile& file) {
  Cursor cursor(file);
  bool version = false;
  bool graph = false;
  for (size_t fields = 0; fields < kMaxFields && !(version && graph); ++fields) {
    const auto tag = cursor.varint();
    if (!tag) return false;
    const uint64_t field = *tag >> protobuf::kWireTypeBits;
    const auto expected = model_wire_type(field);
    if (!expected || *expected != (*tag & ((1u << protobuf::kWireTypeBits) - 1))) return false;
    const auto value = cursor.varint();
    if (!value) return false;
    if (*expected == protobuf::kVarint) {
      if (field != kVersionField) continue;
      if (*value == 0 || *value > kMaxIrVersion) return false;
      version = true;
      continue;
    }
    if (field == kGraphField) {
      Cursor inside = cursor;
      if (!starts_like_graph(&inside, *value)) return false;
      graph = true;
      // A file that is cut off inside its graph is one all the same.
      if (version) return true;
    }
    if (*value > cursor.left()) return false;
    cursor.skip(*value);
  }
  return version && graph;
}

}  // namespace dcf::tools
