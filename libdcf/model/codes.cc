// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "codec/stream_copy.h"
#include "model/decode.h"
#include "model/expand.h"

namespace dcf::impl {

Status decode_codes(const Model& model, size_t tensor, std::span<uint16_t> dst) {
  const size_t data = model.data_tensor(tensor);
  const Tensor& t = model.manifest().tensors[data];
  if (t.encoding.values != Values::kPalette) {
    return fail(Code::InvalidArgument, "", "the tensor has no codebook");
  }
  const TensorCoding coding(t, model.tables(), data);
  if (t.view.transposed) std::fill(dst.begin(), dst.end(), uint16_t{0});
  const bool stream = past_caches(dst.size_bytes());
  return model.for_chunks(data, 0, t.chunks, [&](uint64_t chunk, ChunkScratch* scratch) -> Status {
    DecodedChunk decoded;
    DCF_TRY(model.load_chunk(coding, data, chunk, scratch, &decoded));
    const uint64_t first = decoded.shape.first;
    if (!t.view.transposed) {
      expand_codes(coding, decoded, stream, dst.subspan(first, decoded.shape.elements));
      return ok_status();
    }
    for_each_entry(coding, decoded, [&](uint32_t element, uint32_t entry) {
      dst[element_of_view(t, first + element)] =
          static_cast<uint16_t>(decoded.codes[entry] + code_shift(t.encoding));
    });
    return ok_status();
  });
}

}  // namespace dcf::impl
