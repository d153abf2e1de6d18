// SPDX-License-Identifier: Apache-2.0
#include "cli/piece_copier.h"

#include <algorithm>
#include <cstdlib>
#include <new>

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
constexpr size_t kOverlapBytes = size_t{512} << 10;
constexpr size_t kPageBytes = 4096;

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

void PieceCopier::copy(size_t tensor, const Consume& consume) {
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
    pass_on({piece, row == 0}, consume);
    row += rows;
  } while (row < info.rows);
}

// The buffer that the consumer does not use; the only one if two are more than the limit.
std::span<uint8_t> PieceCopier::room_for(size_t tensor, size_t bytes) {
  next_buffer_ = 1 - next_buffer_;
  Buffer& buffer = buffers_[next_buffer_];
  Buffer& other = buffers_[1 - next_buffer_];
  if (std::max(bytes, other.size) > file_.max_memory() / 2) {
    finish();
    other = {};
  }
  if (bytes > buffer.size) {
    MemoryLimit(file_.max_memory())
        .check(file_.path(), "decoding " + quote(file_.meta(tensor).name), bytes);
    buffer = {};
    const size_t size = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    buffer.bytes.reset(static_cast<uint8_t*>(std::aligned_alloc(kPageBytes, size)));
    if (!buffer.bytes) throw std::bad_alloc();
    buffer.size = size;
  }
  return {buffer.bytes.get(), bytes};
}

void PieceCopier::pass_on(const Piece& piece, const Consume& consume) {
  finish();
  if (!overlaps_ || piece.bytes.size() < kOverlapBytes) return consume(piece);
  consumer_.start([piece, &consume] { consume(piece); });
}

}  // namespace dcf::tools
