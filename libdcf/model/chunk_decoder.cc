// SPDX-License-Identifier: Apache-2.0
#include "model/chunk_decoder.h"

#include <algorithm>

#include "base/checked.h"
#include "codec/stream.h"
#include "model/chunk_positions.h"
#include "model/chunk_values.h"
#include "model/count_nonzeros.h"

namespace dcf::impl::model {

ChunkShape chunk_shape(const format::Tensor& tensor, uint64_t chunk, uint32_t entries) {
  ChunkShape s;
  s.first = chunk * tensor.chunk_stride();
  s.elements = static_cast<uint32_t>(tensor.chunk_elements(chunk));
  s.cols = tensor.view.cols;
  s.rows = static_cast<uint32_t>(ceil_div(s.elements, s.cols));
  s.entries = entries;
  return s;
}

uint64_t ChunkScratch::memory() const {
  const auto bytes = [](const auto&... vectors) {
    return (uint64_t{0} + ... + (vectors.capacity() * sizeof(vectors[0])));
  };
  return bytes(encoded, stream, counts, symbols, numbers, positions, codes, words, grouped, indices,
               bitmap, signs, dense);
}

uint64_t chunk_scratch_bytes(const format::Tensor& t, uint64_t elements, uint64_t entries,
                             uint64_t bytes) {
  if (t.encoding.is_raw()) return bytes;
  const uint64_t flags = t.encoding.is_sparse() ? ceil_div(elements, 8) : 0;
  const uint64_t rows = t.encoding.is_sparse() ? t.rows_per_chunk : 0;
  // The longest stream is one of entries, of rows, or of the bytes of a bit string.
  const uint64_t longest = std::max({entries, rows, flags});
  const uint64_t slack = t.encoding.has_classes() ? 2 * kSpreadSlack : 0;
  return bytes + codec::bucket_scratch_size(longest) + 4 * rows + slack +
         entries * (sizeof(uint32_t) + value_scratch_bytes(t)) + 2 * flags;
}

namespace {

Status decode_parts(const TensorCoding& coding, Bytes bytes, ChunkScratch* scratch,
                    const WordsTarget& target, ChunkParts* out) {
  if (coding.tensor().encoding.is_raw()) {
    // The manifest's rules make the bytes as many as the elements need.
    const unsigned used = out->shape.elements * coding.tensor().bits % 8;
    if (used != 0 && bytes.back() >> used != 0) {
      return fail(Code::BadBitstream, "V-03", "the padding of raw elements is not zero");
    }
    out->words = bytes;
    out->value_bytes = bytes.size();
    out->nonzeros = count_nonzeros(coding.tensor(), bytes, out->shape.elements);
    return ok_status();
  }
  ByteReader in(bytes);
  DCF_TRY(decode_positions(coding, &in, scratch, out));
  out->position_bytes = in.position();
  DCF_TRY(decode_values(coding, &in, scratch, target, out));
  out->value_bytes = in.position() - out->position_bytes;
  DCF_TRY(decode_signs(coding, &in, scratch, out));
  out->position_bytes = in.position() - out->value_bytes;
  if (in.remaining() != 0) {
    return fail(Code::BadBitstream, "K-04", "bytes are left over at the end of a chunk");
  }
  return ok_status();
}

}  // namespace

Result<DecodedChunk> decode_chunk(const TensorCoding& coding, const ChunkShape& shape, Bytes bytes,
                                  ChunkScratch* scratch, const WordsTarget& target) {
  ChunkParts parts;
  parts.shape = shape;
  DCF_TRY(decode_parts(coding, bytes, scratch, target, &parts));
  return DecodedChunk(parts);
}

}  // namespace dcf::impl::model
