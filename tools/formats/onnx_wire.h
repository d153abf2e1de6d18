// SPDX-License-Identifier: Apache-2.0
// A file in the wire format of protobuf, read field by field with the place of each in the file.
#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "formats/input_file.h"

namespace dcf::tools {

// Feeds libprotobuf from a file, a piece at a time; what is skipped is not read. Borrows the file.
class OnnxStream final : public google::protobuf::io::ZeroCopyInputStream {
 public:
  explicit OnnxStream(const InputFile& file) : file_(file) {}

  bool Next(const void** data, int* size) override;
  void BackUp(int count) override { position_ -= static_cast<uint64_t>(count); }
  bool Skip(int count) override;
  int64_t ByteCount() const override { return static_cast<int64_t>(position_); }

 private:
  static constexpr size_t kPieceBytes = size_t{16} << 10;

  const InputFile& file_;
  uint64_t position_ = 0;
  std::array<uint8_t, kPieceBytes> piece_{};
};

// Bytes of the file.
struct OnnxSpan {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

// Reads from front to end, one message inside another. Every failure is an Error that names the
// file and the byte. Borrows the file; belongs to one thread.
class OnnxWire {
 public:
  // Throws Error where the file is larger than protobuf allows (2 GB).
  explicit OnnxWire(const InputFile& file);

  // Moves on to the next field of the message, past what was not read of the one before. False at
  // the end of the message.
  bool next();
  int field() const { return field_; }
  bool is_bytes() const;

  // Throws where the message had this field before: readers differ in what a second one means.
  void once(const char* name);

  // The value of the field, which must have the wire type of the type asked for. Each at most once.
  uint64_t number();
  OnnxSpan span();
  std::string text(size_t max_bytes);
  // Empty where there are more bytes.
  std::string text_or_nothing(size_t max_bytes);
  // Calls use(value) for a value of a repeated number, or for each where they are packed.
  template <typename Use>
  void numbers(const Use& use) {
    if (!is_bytes()) return use(number());
    const Frame frame = enter();
    while (stream_.BytesUntilLimit() > 0) use(varint());
    leave(frame);
  }
  // Calls use() for each field of the message that is the value.
  template <typename Use>
  void message(const Use& use) {
    const Frame frame = enter();
    while (next()) use();
    leave(frame);
  }

  [[noreturn]] void fail(const std::string& what) const;

 private:
  struct Frame {
    google::protobuf::io::CodedInputStream::Limit limit = 0;
    uint64_t seen = 0;
  };
  Frame enter();
  void leave(const Frame& frame);
  uint64_t varint();
  // Of the value of a field of bytes, which lie inside the message.
  int length();
  void skip();

  const InputFile& file_;
  OnnxStream input_;
  google::protobuf::io::CodedInputStream stream_;
  int field_ = 0;
  unsigned wire_type_ = 0;
  bool pending_ = false;  // whether the value of the field is still to be read
  uint64_t seen_ = 0;     // bits of the fields of the message that were asked about
  int depth_ = 0;
};

}  // namespace dcf::tools
