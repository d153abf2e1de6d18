// SPDX-License-Identifier: Apache-2.0
#include "cli/piece_copier.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/checked.h"
#include "cli/signals.h"
#include "formats/dcf_rows.h"
#include "formats/memory_limit.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

// Small enough to be written while it is still in a cache, and many chunks of a dense tensor.
constexpr uint64_t kLeastPieceBytes = uint64_t{4} << 20;
// A chunk that straddles two pieces is decoded twice. The chunks of a sparse tensor may be large.
constexpr uint64_t kPieceChunks = 8;
// What is smaller is not worth waking a thread for.
constexpr size_t kBatchBytes = size_t{512} << 10;
constexpr size_t kPageBytes = 4096;
// Of a piece in its buffer: a cache line.
constexpr size_t kAlignment = 64;

size_t round_up(size_t bytes, size_t unit) {
  return impl::ceil_div(bytes, unit) * unit;
}

// Rows of a piece; all of them where rows do not start on a byte.
uint64_t rows_of_piece(const dcf_tensor_info& info, uint64_t max_memory) {
  if (info.rows == 0 || info.dense_bytes == 0 || info.dtype_bits % 8 != 0) return info.rows;
  const uint64_t row_bytes = std::max<uint64_t>(1, info.dense_bytes / info.rows);
  const uint64_t chunk_bytes = info.dense_bytes / std::max<uint64_t>(1, info.chunks);
  uint64_t bytes = std::max(kLeastPieceBytes, kPieceChunks * std::min(chunk_bytes, max_memory));
  bytes = std::min(bytes, max_memory / 4);
  return std::clamp<uint64_t>(bytes / row_bytes, 1, info.rows);
}

}  // namespace

PieceCopier::PieceCopier(const DcfFile& file, Consume consume)
    : file_(file),
      consume_(std::move(consume)),
      overlaps_(file.threads() > 1),
      batch_bytes_(overlaps_ ? std::min<uint64_t>(kBatchBytes, file.max_memory() / 8) : 0) {}

void PieceCopier::copy(size_t tensor) {
  const dcf_tensor_info info = file_.tensor(tensor);
  const uint64_t piece_rows = rows_of_piece(info, file_.max_memory());
  DcfRowDecoder decoder(file_, tensor);
  uint64_t row = 0;
  do {  // also once for an empty tensor, whose coding is checked like any other
    throw_if_interrupted();
    const uint64_t rows = std::min(piece_rows, info.rows - row);
    const uint64_t bytes =
        rows == info.rows ? info.dense_bytes : rows * (info.dense_bytes / info.rows);
    const std::span<uint8_t> piece = room_for(tensor, bytes);
    decoder.next(rows, piece);
    Buffer& buffer = buffers_[current_];
    buffer.pieces.push_back({piece, row == 0});
    buffer.filled += round_up(bytes, kAlignment);
    if (buffer.filled >= batch_bytes_) hand_over();
    row += rows;
  } while (row < info.rows);
}

void PieceCopier::finish() {
  hand_over();
  consumer_.wait();
}

std::span<uint8_t> PieceCopier::room_for(size_t tensor, size_t bytes) {
  const Buffer& current = buffers_[current_];
  if (!current.pieces.empty() && bytes > current.size - current.filled) hand_over();
  Buffer& buffer = buffers_[current_];
  if (bytes > buffer.size - buffer.filled) reserve(tensor, bytes);
  return {buffer.bytes.get() + buffer.filled, bytes};
}

// Makes the current buffer, which is empty, large enough; the only one if two are more than the
// limit.
void PieceCopier::reserve(size_t tensor, size_t bytes) {
  Buffer& buffer = buffers_[current_];
  Buffer& other = buffers_[1 - current_];
  if (std::max(bytes, other.size) > file_.max_memory() / 2) {
    consumer_.wait();
    other = {};
  }
  MemoryLimit(file_.max_memory())
      .check(file_.path(), "decoding " + quote(file_.meta(tensor).name), bytes);
  buffer = {};
  const size_t size = round_up(std::max(bytes, 2 * batch_bytes_), kPageBytes);
  buffer.bytes.reset(static_cast<uint8_t*>(std::aligned_alloc(kPageBytes, size)));
  if (!buffer.bytes) throw std::bad_alloc();
  buffer.size = size;
}

// What is small is consumed at once.
void PieceCopier::hand_over() {
  consumer_.wait();
  Buffer& buffer = buffers_[current_];
  if (buffer.pieces.empty()) return;
  if (!overlaps_ || buffer.filled < batch_bytes_) return consume(&buffer);
  consumer_.start([this, &buffer] { consume(&buffer); });
  current_ = 1 - current_;
}

void PieceCopier::consume(Buffer* buffer) {
  for (const Piece& piece : buffer->pieces) consume_(piece);
  buffer->pieces.clear();
  buffer->filled = 0;
}

}  // namespace dcf::tools
