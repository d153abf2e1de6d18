// SPDX-License-Identifier: Apache-2.0
#define ZSTD_STATIC_LINKING_ONLY  // ZSTD_estimateCStreamSize_usingCParams, ZSTD_getCParams
#include "cli/peer_coder.h"

#include <fmt/format.h>
#include <zstd.h>
#ifdef DCF_WITH_LZMA
#include <lzma.h>
#endif

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <new>
#include <system_error>

#include "cli/signals.h"
#include "formats/error.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr size_t kStep = size_t{1} << 16;

// A compressor whose output is counted and dropped.
class Counter {
 public:
  Counter() = default;
  virtual ~Counter() = default;
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  void write(std::span<const uint8_t> bytes) {
    throw_if_interrupted();
    run(bytes, false);
  }
  uint64_t finish() {
    run({}, true);
    return count_;
  }

 protected:
  virtual void run(std::span<const uint8_t> bytes, bool end) = 0;

  std::array<uint8_t, kStep> out_;
  uint64_t count_ = 0;
};

class ZstdCounter : public Counter {
 public:
  ZstdCounter(int level, uint64_t bytes) : context_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setPledgedSrcSize(context_.get(), bytes);
  }

 private:
  void run(std::span<const uint8_t> bytes, bool end) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    size_t left = 0;
    do {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      left = ZSTD_compressStream2(context_.get(), &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
      // All else would be a mistake here: the size is the pledged one.
      if (ZSTD_isError(left) != 0) throw std::bad_alloc();
      count_ += out.pos;
    } while (end ? left != 0 : in.pos != in.size);
  }

  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
};

#ifdef DCF_WITH_LZMA
// As xz packs a file of that size with a level, in a dictionary that is no larger than the file.
class XzFilters {
 public:
  XzFilters(int level, uint64_t bytes) {
    lzma_lzma_preset(&options_, static_cast<uint32_t>(level));
    options_.dict_size =
        static_cast<uint32_t>(std::clamp<uint64_t>(bytes, LZMA_DICT_SIZE_MIN, options_.dict_size));
  }
  XzFilters(const XzFilters&) = delete;
  XzFilters& operator=(const XzFilters&) = delete;

  const lzma_filter* get() const { return filters_; }

 private:
  lzma_options_lzma options_{};
  lzma_filter filters_[2] = {{LZMA_FILTER_LZMA2, &options_}, {LZMA_VLI_UNKNOWN, nullptr}};
};

class XzCounter : public Counter {
 public:
  XzCounter(int level, uint64_t bytes) {
    const XzFilters filters(level, bytes);
    if (lzma_stream_encoder(&stream_, filters.get(), LZMA_CHECK_NONE) != LZMA_OK) {
      throw std::bad_alloc();
    }
  }
  ~XzCounter() override { lzma_end(&stream_); }

 private:
  void run(std::span<const uint8_t> bytes, bool end) override {
    stream_.next_in = bytes.data();
    stream_.avail_in = bytes.size();
    lzma_ret result = LZMA_OK;
    do {
      stream_.next_out = out_.data();
      stream_.avail_out = out_.size();
      result = lzma_code(&stream_, end ? LZMA_FINISH : LZMA_RUN);
      if (result != LZMA_OK && result != LZMA_STREAM_END) throw std::bad_alloc();
      count_ += out_.size() - stream_.avail_out;
    } while (end ? result != LZMA_STREAM_END : stream_.avail_in != 0);
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
};
#endif

void write_all(std::span<const uint8_t> data, Counter* counter) {
  while (!data.empty()) {
    const size_t step = std::min(kStep, data.size());
    counter->write(data.first(step));
    data = data.subspan(step);
  }
}

// Plane by plane, through a buffer of one step.
void write_shuffled(std::span<const uint8_t> data, size_t width, Counter* counter) {
  std::array<uint8_t, kStep> plane;
  const size_t whole = data.size() - data.size() % width;
  for (size_t k = 0; k < width; ++k) {
    size_t filled = 0;
    for (size_t at = k; at < whole; at += width) {
      plane[filled++] = data[at];
      if (filled == plane.size()) {
        counter->write(plane);
        filled = 0;
      }
    }
    counter->write(std::span(plane).first(filled));
  }
  write_all(data.subspan(whole), counter);
}

[[noreturn]] void refuse(std::string_view text) {
  throw_failure("--against", quote(text) +
                                 " is none of zstd-1 to zstd-19, shuffle+zstd-1 to shuffle+zstd-19 "
                                 "and xz-0 to xz-9");
}

int parse_level(std::string_view text, size_t at, int least, int most) {
  int level = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + at, end, level);
  if (error != std::errc() || rest != end || level < least || level > most) refuse(text);
  return level;
}

}  // namespace

PeerCoder::PeerCoder(std::string_view text) {
  const size_t dash = text.find('-');
  const std::string_view kind = text.substr(0, dash);
  xz_ = kind == "xz";
  shuffled_ = kind == "shuffle+zstd";
  if (!xz_ && !shuffled_ && kind != "zstd") refuse(text);
  level_ = xz_ ? 9 : 3;
  if (dash != std::string_view::npos)
    level_ = parse_level(text, dash + 1, xz_ ? 0 : 1, xz_ ? 9 : 19);
  name_ = fmt::format("{}-{}", kind, level_);
#ifndef DCF_WITH_LZMA
  if (xz_)
    throw_failure("--against", "xz is not in this build of dcf, which was made without liblzma");
#endif
}

uint64_t PeerCoder::memory_for(uint64_t bytes) const {
#ifdef DCF_WITH_LZMA
  if (xz_) return lzma_raw_encoder_memusage(XzFilters(level_, bytes).get());
#endif
  return ZSTD_estimateCStreamSize_usingCParams(ZSTD_getCParams(level_, bytes, 0));
}

uint64_t PeerCoder::packed_bytes(std::span<const uint8_t> data, size_t width) const {
  std::unique_ptr<Counter> counter;
#ifdef DCF_WITH_LZMA
  if (xz_) counter = std::make_unique<XzCounter>(level_, data.size());
#endif
  if (!counter) counter = std::make_unique<ZstdCounter>(level_, data.size());
  shuffled_ ? write_shuffled(data, width, counter.get()) : write_all(data, counter.get());
  return counter->finish();
}

std::vector<PeerCoder> parse_peers(std::string_view list) {
  std::vector<PeerCoder> peers;
  while (true) {
    const size_t comma = list.find(',');
    const PeerCoder& peer = peers.emplace_back(list.substr(0, comma));
    for (size_t i = 0; i + 1 < peers.size(); ++i) {
      if (peers[i].name() == peer.name())
        throw_failure("--against", peer.name() + " is there twice");
    }
    if (comma == std::string_view::npos) return peers;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace dcf::tools
