// SPDX-License-Identifier: Apache-2.0
// dcf.h: decoding, products, verification.
#include "api/file.h"
#include "api/shapes.h"
#include "base/checked.h"
#include "kernels/matmul.h"
#include "model/decode.h"
#include "model/verify.h"

using dcf::impl::Code;
using dcf::impl::fail;
using dcf::impl::invalid;
using dcf::impl::MutableBytes;
using dcf::impl::ok_status;
using dcf::impl::Result;
using dcf::impl::Status;
using dcf::impl::api::check_tensor;
using dcf::impl::api::dtype_in;
using dcf::impl::api::guarded;
using dcf::impl::api::progress_step;
using dcf::impl::api::set_out;
using dcf::impl::format::Tensor;
using dcf::impl::model::DenseOutput;

namespace {

const Tensor& tensor_at(const dcf_file* file, size_t index) {
  return file->model->manifest()->tensors[index];
}

Status check_buffer(const void* dst, uint64_t size, uint64_t needed) {
  if (dst == nullptr && needed != 0) return invalid("the output is NULL");
  if (size < needed) return fail(Code::BufferTooSmall, "", "the output buffer is too small");
  return ok_status();
}

MutableBytes bytes_at(void* dst, uint64_t size) {
  return {static_cast<uint8_t*>(dst), static_cast<size_t>(size)};
}

// The bytes of dst that `count` elements take.
Result<MutableBytes> dense_bytes_at(const dcf_file* file, size_t index, dcf_dtype as,
                                    uint64_t count, void* dst, size_t dst_size) {
  DCF_ASSIGN(const uint64_t needed,
             dcf::impl::model::decoded_bytes(tensor_at(file, index), dtype_in(as), count));
  DCF_TRY(check_buffer(dst, dst_size, needed));
  return bytes_at(dst, needed);
}

Status decode_part(const dcf_file* file, size_t index, dcf_dtype as, uint64_t first, uint64_t count,
                   void* dst, size_t dst_size) {
  DCF_ASSIGN(const MutableBytes out, dense_bytes_at(file, index, as, count, dst, dst_size));
  return dcf::impl::model::decode_elements(*file->model, index, dtype_in(as), first, count, out,
                                           file->progress);
}

dcf_status multiply(const dcf_file* file, size_t index, const float* x, size_t x_elements, float* y,
                    size_t y_elements, uint64_t batch, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_tensor(file, index));
    const Tensor& t = tensor_at(file, index);
    dcf::impl::api::Samples samples;
    DCF_TRY(samples.check(x, x_elements, t.cols(), y, y_elements, t.rows(), batch));
    return dcf::impl::kernels::matmul(*file->model, index, samples.x, batch, samples.y,
                                      file->progress);
  });
}

}  // namespace

dcf_status dcf_tensor_decode_bound(const dcf_file* file, size_t index, dcf_dtype as,
                                   uint64_t* dst_bytes, uint64_t* working_bytes, dcf_error* error) {
  set_out<uint64_t>(dst_bytes, 0);
  set_out<uint64_t>(working_bytes, 0);
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_tensor(file, index));
    const Tensor& t = tensor_at(file, index);
    DCF_ASSIGN(const uint64_t needed, dcf::impl::model::decoded_bytes(t, dtype_in(as), t.elements));
    DCF_ASSIGN(const uint64_t working, dcf::impl::model::decode_memory(*file->model, index));
    set_out(dst_bytes, needed);
    set_out(working_bytes, working);
    return ok_status();
  });
}

dcf_status dcf_tensor_decode(const dcf_file* file, size_t index, dcf_dtype as, void* dst,
                             size_t dst_size, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_tensor(file, index));
    return decode_part(file, index, as, 0, tensor_at(file, index).elements, dst, dst_size);
  });
}

dcf_status dcf_file_decode_tensors(const dcf_file* file, const dcf_dense_output* outputs,
                                   size_t count, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    if (file == nullptr) return invalid("the file is NULL");
    if (outputs == nullptr && count != 0) return invalid("an argument is NULL");
    std::vector<DenseOutput> all;
    for (size_t i = 0; i < count; ++i) {
      dcf_dense_output output = DCF_DENSE_OUTPUT_INIT;
      DCF_TRY(dcf::impl::api::copy_in_at(outputs, i, &output));
      DCF_TRY(check_tensor(file, output.index));
      DCF_ASSIGN(const MutableBytes dst, dense_bytes_at(file, output.index, output.as,
                                                        tensor_at(file, output.index).elements,
                                                        output.dst, output.dst_size));
      all.push_back({output.index, dtype_in(output.as), dst});
    }
    return dcf::impl::model::decode_tensors(*file->model, all, file->progress);
  });
}

dcf_status dcf_tensor_decode_rows(const dcf_file* file, size_t index, dcf_dtype as,
                                  uint64_t first_row, uint64_t rows, void* dst, size_t dst_size,
                                  dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_tensor(file, index));
    const Tensor& t = tensor_at(file, index);
    if (first_row > t.rows() || rows > t.rows() - first_row)
      return invalid("the rows are out of range");
    return decode_part(file, index, as, first_row * t.cols(), rows * t.cols(), dst, dst_size);
  });
}

dcf_status dcf_tensor_decode_csr(const dcf_file* file, size_t index, dcf_dtype as, dcf_csr* csr,
                                 dcf_error* error) {
  return guarded(error, [&]() -> Status {
    dcf_csr out = DCF_CSR_INIT;
    if (csr == nullptr) return invalid("the output is NULL");
    DCF_TRY(dcf::impl::api::copy_in(csr, &out));
    csr->nonzeros = 0;
    DCF_TRY(check_tensor(file, index));
    const Tensor& t = tensor_at(file, index);
    const uint64_t nonzeros = tensor_at(file, file->model->data_tensor(index)).nonzeros;
    DCF_ASSIGN(const uint64_t value_bytes,
               dcf::impl::model::decoded_bytes(t, dtype_in(as), nonzeros));
    if (t.cols() > UINT32_MAX) return invalid("columns do not fit 32 bits");
    DCF_TRY(check_buffer(out.row_ptr, out.row_ptr_capacity, t.rows() + 1));
    DCF_TRY(check_buffer(out.col, out.col_capacity, nonzeros));
    DCF_TRY(check_buffer(out.values, out.values_capacity, nonzeros));
    DCF_TRY(dcf::impl::model::decode_csr(
        *file->model, index, dtype_in(as),
        {{out.row_ptr, t.rows() + 1}, {out.col, nonzeros}, bytes_at(out.values, value_bytes)},
        file->progress));
    csr->nonzeros = nonzeros;
    return ok_status();
  });
}

dcf_status dcf_tensor_decode_codebook(const dcf_file* file, size_t index, void* dst,
                                      size_t dst_size, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_tensor(file, index));
    const size_t data = file->model->data_tensor(index);
    const Tensor& t = tensor_at(file, data);
    if (!t.encoding.has_codebook()) return invalid("the tensor has no codebook");
    const size_t width = t.bits / 8;
    DCF_TRY(check_buffer(dst, dst_size, t.encoding.palette_size * width));
    const dcf::impl::model::Tables& tables = file->model->tables();
    for (size_t i = 0; i < t.encoding.palette_size; ++i) {
      dcf::impl::store_word(static_cast<uint8_t*>(dst) + i * width, width,
                            tables.codebook_words[tables.codebook_starts[data] + i]);
    }
    return ok_status();
  });
}

dcf_status dcf_tensor_decode_codes(const dcf_file* file, size_t index, uint16_t* dst,
                                   size_t dst_elements, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_tensor(file, index));
    const uint64_t elements = tensor_at(file, index).elements;
    DCF_TRY(check_buffer(dst, dst_elements, elements));
    return dcf::impl::model::decode_codes(*file->model, index, {dst, elements}, file->progress);
  });
}

dcf_status dcf_tensor_matvec(const dcf_file* file, size_t index, const float* x, size_t x_elements,
                             float* y, size_t y_elements, dcf_error* error) {
  return multiply(file, index, x, x_elements, y, y_elements, 1, error);
}

dcf_status dcf_tensor_matmul(const dcf_file* file, size_t index, const float* x, size_t x_elements,
                             float* y, size_t y_elements, uint64_t batch, dcf_error* error) {
  return multiply(file, index, x, x_elements, y, y_elements, batch, error);
}

dcf_status dcf_file_verify(const dcf_file* file, dcf_progress_fn progress, void* progress_ctx,
                           dcf_error* error) {
  return guarded(error, [&]() -> Status {
    if (file == nullptr) return invalid("the file is NULL");
    return dcf::impl::model::verify(*file->model, progress_step(progress, progress_ctx));
  });
}

dcf_status dcf_tensor_verify(const dcf_file* file, size_t index, dcf_progress_fn progress,
                             void* progress_ctx, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_tensor(file, index));
    return dcf::impl::model::verify_tensor(*file->model, index,
                                           progress_step(progress, progress_ctx));
  });
}
