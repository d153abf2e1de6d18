// SPDX-License-Identifier: Apache-2.0
#include "model/tensor_coding.h"

namespace dcf::impl::model {

TensorCoding::TensorCoding(const format::Tensor& tensor, const Tables& tables, size_t index)
    : tensor_(tensor), roles_(format::roles_of(tensor.encoding, tensor.dtype)) {
  for (size_t i = 0; i < roles_.count; ++i) {
    if (tensor.tables[i] != 0) {
      tables_[i] = std::make_unique<const codec::DecodeTable>(tables.codes[tensor.tables[i] - 1]);
    }
  }
  if (tensor.encoding.has_classes()) {
    classes_.emplace(tensor.encoding,
                     Bytes(tables.unit_maps)
                         .subspan(tables.codebook_starts[index] + tensor.encoding.delta_units,
                                  tensor.encoding.class_units));
  }
  if (tensor.encoding.values == format::Values::kDelta) {
    delta_.emplace(tensor.encoding,
                   Bytes(tables.unit_maps)
                       .subspan(tables.codebook_starts[index], tensor.encoding.delta_units));
  }
  if (tensor.encoding.has_codebook()) {
    const auto words = std::span(tables.codebook_words)
                           .subspan(tables.codebook_starts[index], tensor.encoding.palette_size);
    (tensor.encoding.values == format::Values::kPalette ? codebook_ : dictionary_) = words;
  }
  if (tensor.encoding.has_scales()) {
    scales_ =
        std::span(tables.scales).subspan(tables.scale_starts[index], tensor.encoding.grid_units);
  }
}

}  // namespace dcf::impl::model
