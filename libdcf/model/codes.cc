// SPDX-License-Identifier: Apache-2.0
#include "model/codes.h"

#include <algorithm>

#include "base/nt_store.h"
#include "model/decode.h"
#include "model/expand.h"
#include "model/tensor_reader.h"

namespace dcf::impl::model {

Status decode_codes(const Model& model, size_t tensor, std::span<uint16_t> dst, ProgressStep step) {
  const size_t data = model.data_tensor(tensor);
  const format::Tensor& t = model.manifest()->tensors[data];
  if (!t.encoding.has_codebook()) {
    return fail(Code::InvalidArgument, "", "the tensor has no codebook");
  }
  DecodeProgress progress(std::move(step), t.encoded_bytes);
  DCF_ASSIGN(const auto reader, TensorReader::open(model, data, whole_tensor(t, &progress)));
  if (t.view.transposed) std::fill(dst.begin(), dst.end(), uint16_t{0});
  const bool stream = past_caches(dst.size_bytes());
  return reader->for_each_chunk([&](uint64_t chunk, ChunkScratch* scratch) -> Status {
    DCF_ASSIGN(const DecodedChunk decoded, reader->load(chunk, scratch));
    const uint64_t first = decoded->shape.first;
    if (!t.view.transposed) {
      if (!decoded->indices.empty()) {
        std::copy(decoded->indices.begin(), decoded->indices.end(), dst.begin() + first);
        return ok_status();
      }
      expand_codes(reader->coding(), decoded, stream, dst.subspan(first, decoded->shape.elements));
      return ok_status();
    }
    for_each_entry(reader->coding(), decoded, [&](uint32_t element, uint32_t entry) {
      dst[element_of_view(t, first + element)] =
          decoded->indices.empty()
              ? static_cast<uint16_t>(decoded->codes[entry] + code_shift(t.encoding))
              : decoded->indices[entry];
    });
    return ok_status();
  });
}

}  // namespace dcf::impl::model
