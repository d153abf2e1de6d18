// SPDX-License-Identifier: Apache-2.0
#define ZSTD_STATIC_LINKING_ONLY  // ZSTD_estimateCStreamSize_usingCParams, ZSTD_getCParams
#include "formats/zstd_stream.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <new>
#include <stdexcept>
#include <utility>

#include "formats/error.h"

namespace dcf::tools {
namespace {

constexpr size_t kStep = size_t{1} << 16;

}  // namespace

struct ZstdWriter::State {
  ~State() { ZSTD_freeCCtx(context); }
  ZSTD_CCtx* context = ZSTD_createCCtx();
  bool ended = false;
};

ZstdWriter::ZstdWriter(std::string file, uint64_t content_bytes, const MemoryLimit& limit)
    : file_(std::move(file)), limit_(limit) {
  // As for a file of that size: small ones have small tables.
  const ZSTD_compressionParameters parameters = ZSTD_getCParams(kZstdLevel, content_bytes, 0);
  limit_.check(file_, "packing what is no tensor",
               ZSTD_estimateCStreamSize_usingCParams(parameters));
  state_ = std::make_unique<State>();
  if (state_->context == nullptr) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(state_->context, ZSTD_c_compressionLevel, kZstdLevel);
  ZSTD_CCtx_setPledgedSrcSize(state_->context, content_bytes);
}

ZstdWriter::~ZstdWriter() = default;

void ZstdWriter::run(std::span<const uint8_t> bytes, bool end) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  while (true) {
    const size_t used = frame_.size();
    limit_.check(file_, "what is no tensor, packed", used + kStep);
    frame_.resize(used + kStep);
    ZSTD_outBuffer out{frame_.data() + used, kStep, 0};
    const size_t left =
        ZSTD_compressStream2(state_->context, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
    frame_.resize(used + out.pos);
    if (ZSTD_isError(left) != 0) {
      if (ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation) throw std::bad_alloc();
      throw std::logic_error(std::string("ZstdWriter: ") + ZSTD_getErrorName(left));
    }
    if (end ? left == 0 : in.pos == in.size) return;
  }
}

void ZstdWriter::write(std::span<const uint8_t> bytes) {
  run(bytes, false);
}

std::vector<uint8_t> ZstdWriter::finish() {
  run({}, true);
  return std::move(frame_);
}

struct ZstdReader::State {
  ~State() { ZSTD_freeDCtx(context); }
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_inBuffer in{};
  bool ended = false;  // the frame, and not only its input
};

ZstdReader::ZstdReader(std::string file, std::string what, std::span<const uint8_t> frame)
    : file_(std::move(file)), what_(std::move(what)), state_(std::make_unique<State>()) {
  if (state_->context == nullptr) throw std::bad_alloc();
  const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
    fail("is no zstd frame that tells its size");
  }
  content_bytes_ = size;
  ZSTD_DCtx_setParameter(state_->context, ZSTD_d_windowLogMax, kMaxWindowLog);
  state_->in = {frame.data(), frame.size(), 0};
}

ZstdReader::~ZstdReader() = default;
ZstdReader::ZstdReader(ZstdReader&&) noexcept = default;
ZstdReader& ZstdReader::operator=(ZstdReader&&) noexcept = default;

void ZstdReader::fail(const std::string& sentence) const {
  throw_invalid(file_, what_ + " " + sentence);
}

void ZstdReader::read(std::span<uint8_t> out) {
  ZSTD_outBuffer buffer{out.data(), out.size(), 0};
  while (buffer.pos < buffer.size) {
    const size_t in_before = state_->in.pos;
    const size_t out_before = buffer.pos;
    if (state_->ended) fail("ends too early");
    const size_t left = ZSTD_decompressStream(state_->context, &buffer, &state_->in);
    if (ZSTD_isError(left) != 0) {
      if (ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation) throw std::bad_alloc();
      fail(std::string("is damaged: ") + ZSTD_getErrorName(left));
    }
    state_->ended = left == 0;
    if (state_->in.pos == in_before && buffer.pos == out_before) fail("is cut off");
  }
}

void ZstdReader::finish() {
  if (!state_->ended) {
    uint8_t none = 0;
    ZSTD_outBuffer buffer{&none, 0, 0};
    const size_t left = ZSTD_decompressStream(state_->context, &buffer, &state_->in);
    state_->ended = left == 0;
  }
  if (!state_->ended || state_->in.pos != state_->in.size) fail("does not end where it should");
}

std::vector<uint8_t> zstd_pack(const std::string& file, std::span<const uint8_t> content,
                               const MemoryLimit& limit) {
  ZstdWriter writer(file, content.size(), limit);
  writer.write(content);
  return writer.finish();
}

std::vector<uint8_t> zstd_unpack(const std::string& file, const std::string& what,
                                 std::span<const uint8_t> frame, const MemoryLimit& limit) {
  ZstdReader reader(file, what, frame);
  std::vector<uint8_t> content = limit.buffer(file, what, reader.content_bytes());
  reader.read(content);
  reader.finish();
  return content;
}

}  // namespace dcf::tools
