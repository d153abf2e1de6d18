// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "cli/side_thread.h"
#include "formats/dcf_file.h"

namespace dcf::tools {

struct Piece {
  std::span<const uint8_t> bytes;
  bool is_first;  // of its tensor
};

// Decodes tensors of a file piece by piece, and hands the pieces to a consumer in order. Where the
// file may use two threads or more, a thread of the copier's own consumes pieces, small ones
// together, while the next ones are decoded. Two buffers serve all tensors; together they take at
// most the memory limit. Belongs to one thread at a time.
class PieceCopier {
 public:
  // Called on one thread at a time, first for the oldest piece. What it uses must last until
  // finish() has returned or the copier is gone.
  using Consume = std::function<void(const Piece&)>;

  PieceCopier(const DcfFile& file, Consume consume);

  // The consumer gets all bytes of the tensor; one without bytes is one empty piece. Throws
  // DcfError, Interrupted, and what an earlier call of the consumer threw. What only a whole tensor
  // shows, a wrong number of nonzeros, is thrown in place of its last piece.
  void copy(size_t tensor);
  // Waits until all is consumed. Throws what the consumer threw.
  void finish();

 private:
  struct Free {
    void operator()(uint8_t* bytes) const { std::free(bytes); }
  };
  struct Buffer {
    std::unique_ptr<uint8_t, Free> bytes;
    size_t size = 0;
    size_t filled = 0;
    std::vector<Piece> pieces;  // in what is filled
  };

  std::span<uint8_t> room_for(size_t tensor, size_t bytes);
  void reserve(size_t tensor, size_t bytes);
  void hand_over();
  void consume(Buffer* buffer);

  const DcfFile& file_;
  const Consume consume_;
  const bool overlaps_;
  // A buffer is handed over once it holds so much.
  const size_t batch_bytes_;
  Buffer buffers_[2];
  size_t current_ = 0;  // the buffer that is filled
  // Of the other one. The last to be made: it uses the buffers until it is gone.
  SideThread consumer_;
};

}  // namespace dcf::tools
