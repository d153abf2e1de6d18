// SPDX-License-Identifier: Apache-2.0
// Every call of the C ABI that decodes all of a tensor, by name, with buffers of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dcf/dcf.h"

namespace dcf::impl::testing {

struct ReadCall {
  std::string name;
  std::function<dcf_status(const dcf_file*, dcf_error*)> run;
};

// Buffers are made here, before the calls are, so that only the library allocates in a call. The
// tensor is one that every call takes: a palette of rank 4 that is sparse or dense.
inline std::vector<ReadCall> whole_tensor_calls(const dcf_file* file, size_t index) {
  struct Buffers {
    std::vector<float> dense;
    std::vector<uint16_t> codes;
    std::vector<uint64_t> row_ptr;
    std::vector<uint32_t> col;
    std::vector<float> values;
    std::vector<float> x;
    std::vector<float> y;
  };
  dcf_tensor_info info = DCF_TENSOR_INFO_INIT;
  if (dcf_tensor_describe(file, index, &info, nullptr) != DCF_OK) return {};
  auto b = std::make_shared<Buffers>();
  b->dense.resize(info.elements);
  b->codes.resize(info.elements);
  b->row_ptr.resize(info.rows + 1);
  b->col.resize(info.nonzeros);
  b->values.resize(info.nonzeros);
  b->x.resize(3 * info.cols, 1.0f);
  b->y.resize(3 * info.rows);
  dcf_conv2d_shape shape = DCF_CONV2D_SHAPE_INIT;
  shape.in_channels = info.dims[1];
  shape.height = info.dims[2];
  shape.width = info.dims[3];
  const auto layer = [index](const char* kernel, uint64_t batch) {
    return [=](const dcf_file* f, dcf_error* error) {
      dcf_layer_options options;
      dcf_layer_options_init(&options);
      options.kernel = kernel;
      options.batch = batch;
      dcf_layer* made = nullptr;
      const dcf_status status = dcf_layer_prepare(f, index, &options, &made, error);
      dcf_layer_close(made);
      return status;
    };
  };
  return {
      {"decode",
       [=](const dcf_file* f, dcf_error* error) {
         return dcf_tensor_decode(f, index, DCF_DTYPE_NONE, b->dense.data(),
                                  b->dense.size() * sizeof(float), error);
       }},
      {"decode tensors",
       [=](const dcf_file* f, dcf_error* error) {
         dcf_dense_output output = DCF_DENSE_OUTPUT_INIT;
         output.index = index;
         output.dst = b->dense.data();
         output.dst_size = b->dense.size() * sizeof(float);
         return dcf_file_decode_tensors(f, &output, 1, error);
       }},
      {"all rows",
       [=](const dcf_file* f, dcf_error* error) {
         return dcf_tensor_decode_rows(f, index, DCF_DTYPE_F32, 0, info.rows, b->dense.data(),
                                       b->dense.size() * sizeof(float), error);
       }},
      {"codes",
       [=](const dcf_file* f, dcf_error* error) {
         return dcf_tensor_decode_codes(f, index, b->codes.data(), b->codes.size(), error);
       }},
      {"csr",
       [=](const dcf_file* f, dcf_error* error) {
         dcf_csr csr = DCF_CSR_INIT;
         csr.row_ptr = b->row_ptr.data();
         csr.row_ptr_capacity = b->row_ptr.size();
         csr.col = b->col.data();
         csr.col_capacity = b->col.size();
         csr.values = b->values.data();
         csr.values_capacity = b->values.size();
         return dcf_tensor_decode_csr(f, index, DCF_DTYPE_F32, &csr, error);
       }},
      {"matvec",
       [=](const dcf_file* f, dcf_error* error) {
         return dcf_tensor_matvec(f, index, b->x.data(), b->x.size(), b->y.data(), b->y.size(),
                                  error);
       }},
      {"matmul",
       [=](const dcf_file* f, dcf_error* error) {
         return dcf_tensor_matmul(f, index, b->x.data(), b->x.size(), b->y.data(), b->y.size(), 3,
                                  error);
       }},
      {"conv2d",
       [=](const dcf_file* f, dcf_error* error) {
         return dcf_tensor_conv2d(f, index, &shape, b->x.data(), b->x.size(), b->y.data(),
                                  b->y.size(), 1, error);
       }},
      {"measure",
       [=](const dcf_file* f, dcf_error* error) {
         dcf_tensor_bytes bytes = DCF_TENSOR_BYTES_INIT;
         return dcf_tensor_measure(f, index, &bytes, error);
       }},
      {"layer", layer(nullptr, 1)},
      {"layer for batches", layer(nullptr, 64)},
      {"layer of rows", layer("rows", 1)},
      {"layer of tiles", layer("blocked", 1)},
      {"layer, dense", layer("dense", 1)},
      {"layer, convolution",
       [=](const dcf_file* f, dcf_error* error) {
         dcf_layer* made = nullptr;
         const dcf_status status =
             dcf_layer_prepare_conv2d(f, index, &shape, nullptr, &made, error);
         dcf_layer_close(made);
         return status;
       }},
  };
}

}  // namespace dcf::impl::testing
