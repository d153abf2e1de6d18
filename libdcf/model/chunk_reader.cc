// SPDX-License-Identifier: Apache-2.0
#include "model/chunk_reader.h"

namespace dcf::impl::model {

ChunkReader::ChunkReader(const Model& model, size_t data, DecodeProgress* progress)
    : model_(model),
      data_(data),
      coding_(model.manifest()->tensors[data], model.tables(), data),
      progress_(progress) {}

Result<DecodedChunk> ChunkReader::load(uint64_t chunk, ChunkScratch* scratch,
                                       const WordsTarget& target) const {
  DCF_ASSIGN(const Bytes bytes, model_.read_chunk(data_, chunk, &scratch->encoded));
  const uint64_t index = coding_.tensor().first_chunk + chunk;
  const format::Chunk& info = model_.manifest()->chunks[index];
  Result<DecodedChunk> decoded = decode_chunk(
      coding_, chunk_shape(coding_.tensor(), chunk, info.entries), bytes, scratch, target);
  if (!decoded.ok()) {
    return decoded.status().at(model_.layout().chunk_offsets[index]).in_tensor(data_);
  }
  if (progress_ != nullptr) DCF_TRY(progress_->add(info.bytes));
  return decoded;
}

}  // namespace dcf::impl::model
