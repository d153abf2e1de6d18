// SPDX-License-Identifier: Apache-2.0
#include "formats/file_cursor.h"

#include <algorithm>
#include <utility>

#include "formats/error.h"

namespace dcf::tools {
namespace {

constexpr uint64_t kCursorBytes = uint64_t{1} << 16;

}  // namespace

FileCursor::FileCursor(const InputFile& file, std::string what)
    : file_(file), what_(std::move(what)) {}

void FileCursor::fail() const {
  throw_invalid(file_.path(), "is cut off: it ends inside " + what_);
}

void FileCursor::read(std::span<uint8_t> out) {
  if (out.size() > left()) fail();
  while (!out.empty()) {
    const uint64_t buffer_end = buffer_begin_ + buffer_.size();
    if (position_ < buffer_begin_ || position_ >= buffer_end) {
      buffer_.resize(static_cast<size_t>(std::min(kCursorBytes, left())));
      file_.read_at(position_, buffer_);
      buffer_begin_ = position_;
      continue;
    }
    const auto n = static_cast<size_t>(std::min<uint64_t>(out.size(), buffer_end - position_));
    std::copy_n(buffer_.begin() + static_cast<ptrdiff_t>(position_ - buffer_begin_), n,
                out.begin());
    position_ += n;
    out = out.subspan(n);
  }
}

std::string FileCursor::text(uint64_t bytes) {
  expect(bytes, 1);
  std::string result(static_cast<size_t>(bytes), '\0');
  read({reinterpret_cast<uint8_t*>(result.data()), result.size()});
  return result;
}

void FileCursor::skip(uint64_t bytes) {
  expect(bytes, 1);
  position_ += bytes;
}

void FileCursor::expect(uint64_t count, uint64_t least_bytes) const {
  if (count > left() / least_bytes) fail();
}

}  // namespace dcf::tools
