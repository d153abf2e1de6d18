// SPDX-License-Identifier: Apache-2.0
// Writes one of several outputs that grow side by side, a few elements at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "base/nt_store.h"

namespace dcf::impl::model {

// Appends elements of kSize bytes to `out`, a whole cache line at a time, bypassing the caches if
// `stream`. The destructor writes the last, incomplete line.
template <size_t kSize>
class LineWriter {
 public:
  LineWriter(MutableBytes out, bool stream) : out_(out) {
    const size_t skew = reinterpret_cast<uintptr_t>(out.data()) % kLineBytes;
    stream_ = stream && skew % kSize == 0;
    begin_ = end_ = skew;
  }
  ~LineWriter() {
    if (!stream_) return;
    flush();
    stream_fence();
  }
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // Appends n elements; `out` must have room for them. make(first, count, dst) writes `count` of
  // them, from `first` on, to dst.
  template <typename Make>
  void append(size_t n, Make make) {
    size_t i = 0;
    if (!stream_) {
      for (; i < n; i += kBlock / kSize) {
        const size_t count = std::min(n - i, kBlock / kSize);
        fetched_ = fetch_to_write(out_, fetched_, at_ + count * kSize + kAhead);
        make(i, count, out_.data() + at_);
        at_ += count * kSize;
      }
      return;
    }
    i = stage(0, n, make);
    if (end_ < kLineBytes) return;
    // The staged line is read back last, when it has arrived in the cache.
    size_t at = at_ + (kLineBytes - begin_);
    while (n - i >= kLine) {
      const size_t count = std::min((n - i) / kLine * kLine, kBlock / kSize);
      make(i, count, block_.data());
      active_nt_stores().lines(block_.data(), count * kSize, out_.data() + at);
      at += count * kSize;
      i += count;
    }
    flush();
    at_ = at;
    stage(i, n, make);
  }

 private:
  static constexpr size_t kBlock = 1024;
  static constexpr size_t kAhead = 4096;  // bytes; far enough ahead when memory is busy
  static constexpr size_t kLine = kLineBytes / kSize;

  // Makes elements from i on until n or until the line is full. Returns the next element.
  template <typename Make>
  size_t stage(size_t i, size_t n, Make make) {
    const size_t count = std::min(n - i, (kLineBytes - end_) / kSize);
    make(i, count, line_.data() + end_);
    end_ += count * kSize;
    return i + count;
  }
  void flush() {
    const size_t size = end_ - begin_;
    stream_copy(Bytes(line_).subspan(begin_, size), out_.data() + at_);
    begin_ = end_ = 0;
  }

  MutableBytes out_;
  bool stream_;
  size_t at_ = 0;       // bytes written to `out`
  size_t fetched_ = 0;  // bytes of `out` prefetched
  size_t begin_;        // [begin, end) of the line are staged
  size_t end_;
  alignas(kLineBytes) std::array<uint8_t, kLineBytes> line_;
  alignas(kLineBytes) std::array<uint8_t, kBlock> block_;
};

}  // namespace dcf::impl::model
