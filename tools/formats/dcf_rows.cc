// SPDX-License-Identifier: Apache-2.0
#include "formats/dcf_rows.h"

#include <algorithm>

#include "base/count.h"
#include "base/dtype.h"

namespace dcf::tools {
namespace {

constexpr uint64_t kRowPieceBytes = uint64_t{64} << 20;

// Elements of any number of bytes. Those that are no word are zero where all their bytes are.
uint64_t count_nonzeros(std::span<const uint8_t> bytes, size_t element_bytes, uint64_t mask) {
  if (element_bytes <= 8 && (element_bytes & (element_bytes - 1)) == 0) {
    return impl::count_masked_words(bytes, element_bytes, mask);
  }
  uint64_t n = 0;
  for (size_t at = 0; at < bytes.size(); at += element_bytes) {
    const auto element = bytes.subspan(at, element_bytes);
    n += std::any_of(element.begin(), element.end(), [](uint8_t byte) { return byte != 0; });
  }
  return n;
}

}  // namespace

DcfRowDecoder::DcfRowDecoder(const DcfFile& file, size_t tensor) : file_(file), tensor_(tensor) {
  const dcf_tensor_info info = file.tensor(tensor);
  const auto dtype = static_cast<impl::DType>(info.dtype);
  rows_ = info.rows;
  element_bytes_ = info.dtype_bits / 8;
  magnitude_mask_ = impl::is_raw_only(dtype) ? ~uint64_t{0} : impl::magnitude_mask(dtype);
  declared_nonzeros_ = info.nonzeros;
}

void DcfRowDecoder::next(uint64_t rows, std::span<uint8_t> out) {
  dcf_error error = DCF_ERROR_INIT;
  file_.check(dcf_tensor_decode_rows(file_.handle(), tensor_, DCF_DTYPE_NONE, row_, rows,
                                     out.data(), out.size(), &error),
              error);
  if (rows == rows_) return;  // all of them: the library has counted
  nonzeros_ += count_nonzeros(out, element_bytes_, magnitude_mask_);
  row_ += rows;
  if (row_ == rows_ && nonzeros_ != declared_nonzeros_) throw_wrong_count();
}

// The library says where the tensor lies.
void DcfRowDecoder::throw_wrong_count() const {
  dcf_error error = DCF_ERROR_INIT;
  file_.check(dcf_tensor_verify(file_.handle(), tensor_, nullptr, nullptr, &error), error);
  throw_failure(file_.path(), "changes while it is read");
}

DcfRows::DcfRows(const DcfFile& file, size_t tensor)
    : file_(file), tensor_(tensor), decoder_(file, tensor) {
  const dcf_tensor_info info = file.tensor(tensor);
  const uint64_t piece_bytes = std::min(kRowPieceBytes, file.max_memory() / 4);
  const bool at_once = info.dense_bytes <= piece_bytes || info.dtype_bits % 8 != 0;
  rows_ = at_once ? 1 : info.rows;
  row_bytes_ = info.dense_bytes / rows_;
  piece_rows_ = at_once ? 1 : std::max<uint64_t>(1, piece_bytes / row_bytes_);
}

std::span<const uint8_t> DcfRows::next() {
  if (row_ == rows_) return {};
  if (rows_ == 1) {
    bytes_ = file_.decode(tensor_);
    row_ = rows_;
    return bytes_;
  }
  const uint64_t rows = std::min(piece_rows_, rows_ - row_);
  if (bytes_.empty()) bytes_ = file_.buffer_for(tensor_, piece_rows_ * row_bytes_);
  const std::span piece = std::span(bytes_).first(static_cast<size_t>(rows * row_bytes_));
  decoder_.next(rows, piece);
  row_ += rows;
  return piece;
}

}  // namespace dcf::tools
