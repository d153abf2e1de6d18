// SPDX-License-Identifier: Apache-2.0
#include <mutex>

#include "model/verify.h"

namespace dcf::impl {

Result<TensorBytes> measure_tensor(const Model& model, size_t tensor) {
  const Tensor& t = model.manifest().tensors[tensor];
  TensorBytes total;
  if (t.alias_of != kNoTensor) return total;
  total.codebook = model.tables().codebook_bytes[tensor];
  total.tables = model.tables().code_bytes[tensor];
  total.padding = padding_of(model, tensor).bytes;
  const TensorCoding coding(t, model.tables(), tensor);
  std::mutex mutex;
  const Status s =
      model.for_chunks(tensor, 0, t.chunks, [&](uint64_t chunk, ChunkScratch* scratch) -> Status {
        DecodedChunk decoded;
        DCF_TRY(model.load_chunk(coding, tensor, chunk, scratch, &decoded));
        const std::lock_guard lock(mutex);
        total.positions += decoded.position_bytes;
        total.values += decoded.value_bytes;
        return ok_status();
      });
  if (!s.ok()) return s;
  return total;
}

}  // namespace dcf::impl
