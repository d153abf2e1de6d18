// SPDX-License-Identifier: Apache-2.0
#include "formats/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <new>

#include "formats/error.h"

namespace dcf::tools {
namespace {

constexpr size_t kStep = size_t{1} << 20;

class Inflater {
 public:
  Inflater() {
    constexpr int kGzipOnly = 15 + 16;
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  z_stream* operator->() { return &stream_; }
  z_stream* get() { return &stream_; }

 private:
  z_stream stream_{};
};

}  // namespace

bool is_gzip(std::span<const uint8_t> bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

std::vector<uint8_t> unpack_gzip(const std::string& where, std::span<const uint8_t> bytes,
                                 uint64_t limit) {
  Inflater stream;
  std::vector<uint8_t> out;
  size_t used = 0;
  size_t taken = 0;
  while (true) {
    // One byte over the limit tells a stream that reaches it from one that goes on.
    if (used == out.size()) out.resize(std::min<uint64_t>(used + kStep, limit + 1));
    const size_t input = std::min(bytes.size() - taken, kStep);
    const size_t room = out.size() - used;
    stream->next_in = const_cast<Bytef*>(bytes.data() + taken);
    stream->avail_in = static_cast<uInt>(input);
    stream->next_out = out.data() + used;
    stream->avail_out = static_cast<uInt>(room);
    const int result = inflate(stream.get(), Z_NO_FLUSH);
    taken += input - stream->avail_in;
    used += room - stream->avail_out;
    if (used > limit) {
      throw_invalid(where, "unpacks to more than " + std::to_string(limit) + " bytes");
    }
    if (result == Z_STREAM_END && taken == bytes.size()) break;
    if (result == Z_STREAM_END) {
      inflateReset(stream.get());  // the next member
    } else if (result == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (result == Z_BUF_ERROR && input == 0) {
      throw_invalid(where, "is cut off inside its gzip data");
    } else if (result != Z_OK) {
      throw_invalid(where, "holds damaged gzip data");
    }
  }
  out.resize(used);
  return out;
}

}  // namespace dcf::tools
