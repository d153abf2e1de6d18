// SPDX-License-Identifier: Apache-2.0
// Chunk bytes -> entries: positions, values and zero signs of one chunk, checked against every rule
// of spec/dcf-format.md, sections 7 to 9.
#pragma once

#include <span>

#include "base/big_vector.h"
#include "model/tensor_coding.h"

namespace dcf::impl::model {

// One chunk of a tensor's view.
struct ChunkShape {
  uint64_t first = 0;  // index of its first element in the view
  uint32_t elements = 0;
  uint32_t cols = 0;  // of the view; the last row may be shorter
  uint32_t rows = 0;
  uint32_t entries = 0;
};
ChunkShape chunk_shape(const format::Tensor& tensor, uint64_t chunk, uint32_t entries);

// Resizes a vector whose old content is not needed. Growing frees the old memory first and
// allocates no more than asked for, so that the largest size ever asked for bounds the memory.
template <typename T>
void resize_scratch(BigVector<T>* v, size_t n) {
  if (v->capacity() < n) *v = BigVector<T>();
  v->resize(n);
}

// Reused from chunk to chunk so that a decode allocates once; model/scratch_store.h keeps it for
// later ones. Belongs to one thread at a time.
struct ChunkScratch {
  BigVector<uint8_t> encoded;
  BigVector<uint8_t> stream;  // scratch of the codec, grown on demand
  BigVector<uint32_t> counts;
  BigVector<uint8_t> symbols;
  BigVector<uint32_t> numbers;
  BigVector<uint32_t> positions;
  BigVector<uint8_t> codes;
  BigVector<uint8_t> words;
  BigVector<uint8_t> grouped;  // words by class
  BigVector<uint16_t> indices;
  BigVector<uint8_t> bitmap;
  BigVector<uint8_t> signs;
  BigVector<uint8_t> dense;  // scratch of callers that expand

  uint64_t memory() const;  // bytes that it holds

  MutableBytes codec(size_t bytes) {
    if (stream.size() < bytes) resize_scratch(&stream, bytes);
    return stream;
  }
};
// Upper bound on the memory of a ChunkScratch that has decoded any chunks of up to these sizes.
uint64_t chunk_scratch_bytes(const format::Tensor& tensor, uint64_t elements, uint64_t entries,
                             uint64_t bytes);

// Where the words of a dense chunk may be decoded to, one for each element: their place in the
// output. Empty: words stay in the scratch.
struct WordsTarget {
  MutableBytes bytes;
  bool stream = false;  // past the caches (base/nt_store.h)
};

// What a chunk consists of: views into the scratch, valid until its next use, and into the target.
struct ChunkParts {
  ChunkShape shape;
  std::span<const uint32_t> positions;  // sparse: element of the chunk, per entry, rising
  std::span<const uint8_t> codes;       // palette: one per entry
  std::span<const uint16_t> indices;    // dictionary: one per entry
  Bytes words;                  // raw: dense bytes; not palette: one little-endian word per entry
  Bytes signs;                  // sparse: a bit per skipped element; empty: all +0
  uint32_t fillers = 0;         // entries with the zero code; gap positions only
  uint64_t nonzeros = 0;        // as the manifest counts them
  uint64_t position_bytes = 0;  // encoded size of positions and signs
  uint64_t value_bytes = 0;
};

// The parts of a chunk that obeys every rule: positions rise strictly within it, codes lie in the
// codebook, fillers are where the paper has them. Only decode_chunk() makes one.
class DecodedChunk {
 public:
  const ChunkParts* operator->() const { return &parts_; }

 private:
  friend Result<DecodedChunk> decode_chunk(const TensorCoding& coding, const ChunkShape& shape,
                                           Bytes bytes, ChunkScratch* scratch,
                                           const WordsTarget& target);
  explicit DecodedChunk(const ChunkParts& parts) : parts_(parts) {}
  ChunkParts parts_;
};

// Decodes a chunk whose `bytes` passed their checksum. Failures carry no offset; the caller knows
// the chunk's. A dense chunk that is no palette and not raw may leave its words in the target; the
// target is unspecified if it does not, and after a failure.
Result<DecodedChunk> decode_chunk(const TensorCoding& coding, const ChunkShape& shape, Bytes bytes,
                                  ChunkScratch* scratch, const WordsTarget& target = {});

}  // namespace dcf::impl::model
