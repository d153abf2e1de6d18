// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

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
  const bool sparse = t.encoding.is_sparse();
  // Sparse codes count from 1, as 0 says "no entry"; in gap positions they do already.
  const unsigned shift = sparse && t.encoding.positions != Positions::kGap ? 1 : 0;
  if (sparse) std::fill(dst.begin(), dst.end(), uint16_t{0});
  return model.for_chunks(data, 0, t.chunks, [&](uint64_t chunk, ChunkScratch* scratch) -> Status {
    DecodedChunk decoded;
    DCF_TRY(model.load_chunk(coding, data, chunk, scratch, &decoded));
    for_each_entry(coding, decoded, [&](uint32_t element, uint32_t entry) {
      dst[element_of_view(t, decoded.shape.first + element)] = static_cast<uint16_t>(decoded.codes[entry] + shift);
    });
    return ok_status();
  });
}

}  // namespace dcf::impl
