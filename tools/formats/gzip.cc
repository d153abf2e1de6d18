// SPDX-License-Identifier: Apache-2.0
#include "formats/gzip.h"

#include <algorithm>
#include <array>
#include <limits>
#include <new>

#include "formats/error.h"

namespace dcf::tools {
namespace {

constexpr size_t kGzipInputBytes = size_t{64} << 10;

}  // namespace

bool is_gzip(const InputFile& file) {
  std::array<uint8_t, 2> magic{};
  if (file.size() < magic.size()) return false;
  file.read_at(0, magic);
  return magic[0] == 0x1f && magic[1] == 0x8b;
}

GzipReader::GzipReader(const InputFile& file) : file_(file), input_(kGzipInputBytes) {
  constexpr int kGzipOnly = 15 + 16;
  if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw std::bad_alloc();
}

GzipReader::~GzipReader() {
  inflateEnd(&stream_);
}

size_t GzipReader::read(std::span<uint8_t> out) {
  size_t done = 0;
  while (done < out.size() && !ended_) {
    if (stream_.avail_in == 0) {
      const auto size =
          static_cast<size_t>(std::min<uint64_t>(file_.size() - consumed_, input_.size()));
      file_.read_at(consumed_, std::span(input_).first(size));
      consumed_ += size;
      stream_.next_in = input_.data();
      stream_.avail_in = static_cast<uInt>(size);
    }
    const bool starved = stream_.avail_in == 0;
    const size_t room = std::min<size_t>(out.size() - done, std::numeric_limits<uInt>::max());
    stream_.next_out = out.data() + done;
    stream_.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    done += room - stream_.avail_out;
    if (result == Z_STREAM_END) {
      ended_ = stream_.avail_in == 0 && consumed_ == file_.size();
      if (!ended_) inflateReset(&stream_);  // the next member
    } else if (result == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (result == Z_BUF_ERROR && starved) {
      throw_invalid(file_.path(), "is cut off inside its gzip data");
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      throw_invalid(file_.path(), "holds damaged gzip data");
    }
  }
  return done;
}

}  // namespace dcf::tools
