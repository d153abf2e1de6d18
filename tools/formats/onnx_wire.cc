// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_wire.h"

#include <algorithm>
#include <limits>
#include <span>

#include "formats/error.h"
#include "formats/protobuf_wire.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr int kMaxMessageDepth = 100;  // of messages, as in protobuf's own parsers
// CodedInputStream takes the greatest int for no limit.
constexpr uint64_t kMaxFileBytes = std::numeric_limits<int>::max() - 1;

}  // namespace

bool OnnxStream::Next(const void** data, int* size) {
  if (position_ >= file_.size()) return false;
  const uint64_t bytes = std::min<uint64_t>(kPieceBytes, file_.size() - position_);
  file_.read_at(position_, std::span(piece_).first(static_cast<size_t>(bytes)));
  position_ += bytes;
  *data = piece_.data();
  *size = static_cast<int>(bytes);
  return true;
}

bool OnnxStream::Skip(int count) {
  const uint64_t bytes = std::min(static_cast<uint64_t>(count), file_.size() - position_);
  position_ += bytes;
  return bytes == static_cast<uint64_t>(count);
}

OnnxWire::OnnxWire(const InputFile& file) : file_(file), input_(file), stream_(&input_) {
  if (file.size() > kMaxFileBytes) {
    throw_invalid(file.path(),
                  "is larger than the 2 GB of a protobuf message; ONNX keeps the tensors of such a "
                  "model in files of external data");
  }
  stream_.PushLimit(static_cast<int>(file.size()));
}

void OnnxWire::fail(const std::string& what) const {
  throw_invalid(file_.path(), "is no valid ONNX model: at byte " +
                                  std::to_string(stream_.CurrentPosition()) + " " + what);
}

bool OnnxWire::is_bytes() const {
  return wire_type_ == protobuf::kBytes;
}

bool OnnxWire::next() {
  if (pending_) skip();
  if (stream_.BytesUntilLimit() == 0) return false;
  const uint32_t tag = stream_.ReadTag();
  field_ = static_cast<int>(tag >> protobuf::kWireTypeBits);
  wire_type_ = tag & ((1u << protobuf::kWireTypeBits) - 1);
  if (field_ == 0) fail("is no field");
  pending_ = true;
  return true;
}

void OnnxWire::once(const char* name) {
  const uint64_t bit = uint64_t{1} << field_;
  if ((seen_ & bit) != 0) fail(std::string("is a second ") + name);
  seen_ |= bit;
}

uint64_t OnnxWire::varint() {
  uint64_t value = 0;
  if (!stream_.ReadVarint64(&value)) fail("a number does not end");
  return value;
}

uint64_t OnnxWire::number() {
  if (wire_type_ != protobuf::kVarint) fail("field " + std::to_string(field_) + " is no number");
  pending_ = false;
  return varint();
}

int OnnxWire::length() {
  if (!is_bytes()) fail("field " + std::to_string(field_) + " has no length");
  pending_ = false;
  int bytes = 0;
  if (!stream_.ReadVarintSizeAsInt(&bytes) || bytes > stream_.BytesUntilLimit()) {
    fail("field " + std::to_string(field_) + " ends after the message that it is in");
  }
  return bytes;
}

OnnxSpan OnnxWire::span() {
  const int bytes = length();
  const OnnxSpan result{.offset = static_cast<uint64_t>(stream_.CurrentPosition()),
                        .bytes = static_cast<uint64_t>(bytes)};
  if (!stream_.Skip(bytes)) fail("the file is cut off");
  return result;
}

std::string OnnxWire::text_or_nothing(size_t max_bytes) {
  const int bytes = length();
  std::string result;
  const bool fits = static_cast<size_t>(bytes) <= max_bytes;
  if (!(fits ? stream_.ReadString(&result, bytes) : stream_.Skip(bytes))) {
    fail("the file is cut off");
  }
  return result;
}

std::string OnnxWire::text(size_t max_bytes) {
  const int before = stream_.CurrentPosition();
  std::string result = text_or_nothing(max_bytes);
  if (result.empty() && static_cast<size_t>(stream_.CurrentPosition() - before) > max_bytes) {
    fail("field " + std::to_string(field_) + " has more than " + std::to_string(max_bytes) +
         " bytes");
  }
  return result;
}

OnnxWire::Frame OnnxWire::enter() {
  const int bytes = length();
  if (++depth_ > kMaxMessageDepth) {
    fail("messages are nested more than " + std::to_string(kMaxMessageDepth) + " deep");
  }
  const Frame frame{.limit = stream_.PushLimit(bytes), .seen = seen_};
  seen_ = 0;
  return frame;
}

void OnnxWire::leave(const Frame& frame) {
  stream_.PopLimit(frame.limit);
  seen_ = frame.seen;
  --depth_;
}

void OnnxWire::skip() {
  constexpr int kFixed64Bytes = 8;
  constexpr int kFixed32Bytes = 4;
  pending_ = false;
  bool done = true;
  switch (wire_type_) {
    case protobuf::kVarint:
      varint();
      break;
    case protobuf::kFixed64:
      done = stream_.Skip(kFixed64Bytes);
      break;
    case protobuf::kBytes:
      done = stream_.Skip(length());
      break;
    case protobuf::kFixed32:
      done = stream_.Skip(kFixed32Bytes);
      break;
    default:
      fail("field " + std::to_string(field_) + " has the wire type " + std::to_string(wire_type_) +
           ", which ONNX does not use");
  }
  if (!done) fail("the file is cut off");
}

}  // namespace dcf::tools
