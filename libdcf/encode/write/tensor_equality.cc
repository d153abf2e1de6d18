// SPDX-License-Identifier: Apache-2.0
#include "encode/write/tensor_equality.h"

#include <algorithm>
#include <bit>

#include "base/hash.h"

namespace dcf::impl::encode {

uint64_t content_key(const CheckedInput& input) {
  const TensorSpec& spec = input.spec();
  const EncodeOptions& options = input.options();
  Hasher data;
  const size_t width = input.size().bits / 8;
  uint64_t form = 0;
  const auto add_csr = [&](const uint64_t* row_ptr, const uint32_t* col) {
    data.update(bytes_of(spec.dims));
    data.update(bytes_of(std::span(row_ptr, input.rows() + 1)));
    data.update(bytes_of(std::span(col, row_ptr[input.rows()])));
    return row_ptr[input.rows()];
  };
  if (const auto* dense = input.as<DenseData>()) {
    data.update(dense->bytes);
  } else if (const auto* csr = input.as<CsrData>()) {
    form = 1;
    const uint64_t entries = add_csr(csr->row_ptr, csr->col);
    data.update({csr->values, static_cast<size_t>(entries) * width});
  } else if (const auto* codes = input.as<CodesData>()) {
    form = 2;
    const uint64_t entries =
        codes->row_ptr != nullptr ? add_csr(codes->row_ptr, codes->col) : input.size().elements;
    data.update({codes->codes, static_cast<size_t>(entries)});
    data.update({codes->codebook, codes->codebook_size * width});
  }
  if (options.moments) {
    const Moments& moments = *options.moments;
    const uint64_t shape[] = {moments.groups, moments.inputs_first, moments.matrix.size(),
                              moments.inputs};
    data.update(bytes_of(std::span<const uint64_t>(shape)));
    for (const std::span<const float> part : {moments.matrix, moments.mean, moments.mean_square}) {
      data.update({reinterpret_cast<const uint8_t*>(part.data()), part.size_bytes()});
    }
  }
  // Pieces are dense data.
  const auto* const pieces = input.as<PiecesData>();
  const uint64_t facts[] = {pieces != nullptr ? pieces->hash : data.digest(),
                            form,
                            static_cast<uint64_t>(spec.dtype),
                            spec.dtype == DType::kOpaque ? spec.opaque_bits : 0,
                            input.size().elements,
                            std::bit_cast<uint64_t>(options.sparsity),
                            options.bits,
                            static_cast<uint64_t>(options.init),
                            options.seed,
                            options.positions ? 1 + static_cast<uint64_t>(*options.positions) : 0,
                            options.gap_bits,
                            options.canonical_zeros,
                            std::bit_cast<uint64_t>(options.source_bound),
                            static_cast<uint64_t>(options.source_fidelity),
                            options.fill_clusters,
                            input.may_be_lossy(),
                            std::bit_cast<uint64_t>(options.sqnr_db),
                            options.sqnr_db == 0 ? 0 : hash_bytes(bytes_of(spec.dims))};
  return hash_bytes(bytes_of(std::span<const uint64_t>(facts)));
}

bool same_encoding(const EncodedTensor& a, const EncodedTensor& b) {
  const auto chunk_equal = [](const format::Chunk& x, const format::Chunk& y) {
    return x.bytes == y.bytes && x.entries == y.entries;
  };
  return a.tensor.dtype == b.tensor.dtype && a.tensor.bits == b.tensor.bits &&
         a.tensor.elements == b.tensor.elements && a.tensor.encoding == b.tensor.encoding &&
         a.tensor.view == b.tensor.view && a.tensor.rows_per_chunk == b.tensor.rows_per_chunk &&
         a.tensor.nonzeros == b.tensor.nonzeros && a.tensor.fidelity == b.tensor.fidelity &&
         a.tensor.error_bound == b.tensor.error_bound && a.tables == b.tables &&
         a.codebook == b.codebook &&
         std::equal(a.chunks.begin(), a.chunks.end(), b.chunks.begin(), b.chunks.end(),
                    chunk_equal);
}

}  // namespace dcf::impl::encode
