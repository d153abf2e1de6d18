// SPDX-License-Identifier: Apache-2.0
#include <mutex>

#include "model/tensor_reader.h"
#include "model/verify.h"

namespace dcf::impl::model {

Result<TensorBytes> measure_tensor(const Model& model, size_t tensor, ProgressStep step) {
  const format::Tensor& t = model.manifest()->tensors[tensor];
  TensorBytes total;
  if (t.alias_of != kNoTensor) return total;
  total.codebook =
      model.tables().codebook_bytes[tensor] + t.encoding.grid_units * uint64_t{sizeof(float)};
  total.tables = model.tables().code_bytes[tensor];
  total.padding = padding_of(model, tensor).bytes;
  if (t.chunks == 0) return total;
  DecodeProgress progress(std::move(step), t.encoded_bytes);
  DCF_ASSIGN(const auto reader, TensorReader::open(model, tensor, whole_tensor(t, &progress)));
  std::mutex mutex;
  DCF_TRY(reader->for_each_chunk([&](uint64_t chunk, ChunkScratch* scratch) -> Status {
    DCF_ASSIGN(const DecodedChunk decoded, reader->load(chunk, scratch));
    const std::lock_guard lock(mutex);
    total.positions += decoded->position_bytes;
    total.values += decoded->value_bytes;
    return ok_status();
  }));
  return total;
}

}  // namespace dcf::impl::model
