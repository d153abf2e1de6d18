// SPDX-License-Identifier: Apache-2.0
// dcf.hpp: C++20 over dcf/dcf.h and dcf/dcf_write.h, header-only. Handles close themselves, buffers are
// spans and vectors, and every call returns a dcf::result: check it, or call value() where exceptions
// are welcome. Threads, ownership and limits are those of the C headers.
//
//   auto file = dcf::File::open("model.dcf");
//   if (!file) return report(file.error().message);
//   std::vector<float> w = file->tensor("fc1.weight").value().decode<float>().value();
#ifndef DCF_DCF_HPP_
#define DCF_DCF_HPP_

#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dcf/dcf.h"
#include "dcf/dcf_write.h"

namespace dcf {

// What value() throws.
class failure : public std::runtime_error {
 public:
  explicit failure(const dcf_error& error) : std::runtime_error(error.message), error_(error) {}
  const dcf_error& error() const { return error_; }

 private:
  dcf_error error_;
};

// A value, or the dcf_error that explains its absence.
template <typename T>
class [[nodiscard]] result {
 public:
  result(T value) : value_(std::move(value)) {}        // NOLINT(google-explicit-constructor)
  result(const dcf_error& error) : error_(error) {}    // NOLINT(google-explicit-constructor)
  explicit operator bool() const { return value_.has_value(); }
  const dcf_error& error() const { return error_; }
  T& operator*() & { return *value_; }
  T* operator->() { return &*value_; }
  T& value() & { return check(), *value_; }
  T value() && { return check(), *std::move(value_); }

 private:
  void check() const {
    if (!value_) throw failure(error_);
  }
  std::optional<T> value_;
  dcf_error error_ = DCF_ERROR_INIT;
};

// Success of a call without a value.
struct done {};
using status = result<done>;

// Compressed sparse rows: row_ptr has rows + 1 values, col and values one per stored nonzero.
template <typename T>
struct csr {
  std::vector<uint64_t> row_ptr;
  std::vector<uint32_t> col;
  std::vector<T> values;
};

namespace detail {

template <typename T>
struct dtype_of {
  static constexpr dcf_dtype value = DCF_DTYPE_NONE;
};
template <> struct dtype_of<double> { static constexpr dcf_dtype value = DCF_DTYPE_F64; };
template <> struct dtype_of<float> { static constexpr dcf_dtype value = DCF_DTYPE_F32; };
template <> struct dtype_of<int64_t> { static constexpr dcf_dtype value = DCF_DTYPE_I64; };
template <> struct dtype_of<int32_t> { static constexpr dcf_dtype value = DCF_DTYPE_I32; };
template <> struct dtype_of<int16_t> { static constexpr dcf_dtype value = DCF_DTYPE_I16; };
template <> struct dtype_of<int8_t> { static constexpr dcf_dtype value = DCF_DTYPE_I8; };
template <> struct dtype_of<uint64_t> { static constexpr dcf_dtype value = DCF_DTYPE_U64; };
template <> struct dtype_of<uint32_t> { static constexpr dcf_dtype value = DCF_DTYPE_U32; };
template <> struct dtype_of<uint16_t> { static constexpr dcf_dtype value = DCF_DTYPE_U16; };
template <> struct dtype_of<uint8_t> { static constexpr dcf_dtype value = DCF_DTYPE_U8; };

inline status to_status(dcf_status code, const dcf_error& error) {
  if (code == DCF_OK) return done{};
  return error;
}

struct closer {
  void operator()(dcf_file* file) const { dcf_file_close(file); }
  void operator()(dcf_layer* layer) const { dcf_layer_close(layer); }
  void operator()(dcf_writer* writer) const { dcf_writer_close(writer); }
};

}  // namespace detail

// One tensor of an open file. Valid as long as the File; cheap to copy.
class Tensor {
 public:
  Tensor(const dcf_file* file, size_t index) : file_(file), index_(index) {
    (void)dcf_tensor_describe(file, index, &info_, nullptr);
  }

  const dcf_tensor_info& info() const { return info_; }
  std::string_view name() const { return {info_.name, info_.name_size}; }
  std::span<const uint64_t> shape() const { return {info_.dims, info_.rank}; }

  // All elements, row-major. T: float for any float or integer dtype, or the tensor's own C++ type.
  template <typename T>
  result<std::vector<T>> decode() const { return rows<T>(0, info_.rows); }
  // Rows [first, first + count).
  template <typename T>
  result<std::vector<T>> rows(uint64_t first, uint64_t count) const {
    std::vector<T> out(count * info_.cols);
    dcf_error error = DCF_ERROR_INIT;
    if (dcf_tensor_decode_rows(file_, index_, detail::dtype_of<T>::value, first, count, out.data(), out.size() * sizeof(T),
                        &error) != DCF_OK) {
      return error;
    }
    return out;
  }
  // The exact bytes, little-endian.
  result<std::vector<uint8_t>> bytes() const {
    std::vector<uint8_t> out(info_.dense_bytes);
    dcf_error error = DCF_ERROR_INIT;
    if (dcf_tensor_decode(file_, index_, DCF_DTYPE_NONE, out.data(), out.size(), &error) != DCF_OK) return error;
    return out;
  }
  template <typename T>
  result<dcf::csr<T>> csr() const {
    dcf::csr<T> out;
    out.row_ptr.resize(info_.rows + 1);
    out.col.resize(info_.nonzeros);
    out.values.resize(info_.nonzeros);
    dcf_csr view{sizeof(dcf_csr),      out.row_ptr.data(), out.row_ptr.size(), out.col.data(),
                 out.col.size(),       out.values.data(),  out.values.size(),  0};
    dcf_error error = DCF_ERROR_INIT;
    if (dcf_tensor_decode_csr(file_, index_, detail::dtype_of<T>::value, &view, &error) != DCF_OK) return error;
    return out;
  }
  // One code per element, as dcf_tensor_decode_codes.
  result<std::vector<uint16_t>> codes() const {
    std::vector<uint16_t> out(info_.elements);
    dcf_error error = DCF_ERROR_INIT;
    if (dcf_tensor_decode_codes(file_, index_, out.data(), out.size(), &error) != DCF_OK) return error;
    return out;
  }
  const dcf_file* file() const { return file_; }
  size_t index() const { return index_; }
  // y = W x: x has info().cols, y info().rows floats.
  status matvec(std::span<const float> x, std::span<float> y) const { return matmul(x, y, 1); }
  // The same for each sample of a batch: x is [batch, cols], y [batch, rows].
  status matmul(std::span<const float> x, std::span<float> y, uint64_t batch) const {
    dcf_error error = DCF_ERROR_INIT;
    return detail::to_status(dcf_tensor_matmul(file_, index_, x.data(), x.size(), y.data(), y.size(), batch, &error), error);
  }

 private:
  const dcf_file* file_;
  size_t index_;
  dcf_tensor_info info_ = DCF_TENSOR_INFO_INIT;
};

// The names that dcf_layer_options.kernel takes.
inline std::vector<std::string_view> layer_kernels() {
  std::vector<std::string_view> names(dcf_layer_kernel_count());
  for (size_t i = 0; i < names.size(); ++i) names[i] = dcf_layer_kernel_name(i);
  return names;
}

// Weights packed for being multiplied many times; needs its file no longer. Movable; a const Layer
// may be applied by many threads.
class Layer {
 public:
  static result<Layer> prepare(const Tensor& tensor, const dcf_layer_options* options = nullptr) {
    dcf_error error = DCF_ERROR_INIT;
    dcf_layer* layer = nullptr;
    if (dcf_layer_prepare(tensor.file(), tensor.index(), options, &layer, &error) != DCF_OK) return error;
    return Layer(layer);
  }
  static result<Layer> prepare_conv2d(const Tensor& tensor, const dcf_conv2d_shape& shape,
                                      const dcf_layer_options* options = nullptr) {
    dcf_error error = DCF_ERROR_INIT;
    dcf_layer* layer = nullptr;
    if (dcf_layer_prepare_conv2d(tensor.file(), tensor.index(), &shape, options, &layer, &error) != DCF_OK) {
      return error;
    }
    return Layer(layer);
  }
  const dcf_layer_info& info() const { return info_; }
  // x has batch times info().inputs floats, y batch times info().outputs.
  status apply(std::span<const float> x, std::span<float> y, uint64_t batch = 1) const {
    dcf_error error = DCF_ERROR_INIT;
    return detail::to_status(dcf_layer_apply(layer_.get(), x.data(), x.size(), y.data(), y.size(), batch, &error), error);
  }

 private:
  explicit Layer(dcf_layer* layer) : layer_(layer) {
    dcf_layer_describe(layer, &info_, nullptr);
  }
  std::unique_ptr<dcf_layer, detail::closer> layer_;
  dcf_layer_info info_ = DCF_LAYER_INFO_INIT;
};

// An open file. Movable; a const File may be used by many threads.
class File {
 public:
  static result<File> open(const std::string& path, const dcf_open_options* options = nullptr) {
    dcf_error error = DCF_ERROR_INIT;
    dcf_file* file = nullptr;
    if (dcf_file_open_path(path.c_str(), options, &file, &error) != DCF_OK) return error;
    return File(file);
  }
  // Borrows the bytes as long as the File lives.
  static result<File> open(std::span<const uint8_t> bytes, const dcf_open_options* options = nullptr) {
    dcf_error error = DCF_ERROR_INIT;
    dcf_file* file = nullptr;
    if (dcf_file_open_memory(bytes.data(), bytes.size(), options, &file, &error) != DCF_OK) return error;
    return File(file);
  }
  static result<File> open(const dcf_reader& reader, const dcf_open_options* options = nullptr) {
    dcf_error error = DCF_ERROR_INIT;
    dcf_file* file = nullptr;
    if (dcf_file_open_reader(&reader, options, &file, &error) != DCF_OK) return error;
    return File(file);
  }

  size_t size() const { return dcf_tensor_count(file_.get()); }
  Tensor operator[](size_t index) const { return Tensor(file_.get(), index); }
  result<Tensor> tensor(std::string_view name) const {
    dcf_error error = DCF_ERROR_INIT;
    size_t index = 0;
    if (dcf_tensor_find(file_.get(), name.data(), name.size(), &index, &error) != DCF_OK) return error;
    return Tensor(file_.get(), index);
  }
  status verify() const {
    dcf_error error = DCF_ERROR_INIT;
    return detail::to_status(dcf_file_verify(file_.get(), nullptr, nullptr, &error), error);
  }
  const dcf_file* get() const { return file_.get(); }

 private:
  explicit File(dcf_file* file) : file_(file) {}
  std::unique_ptr<dcf_file, detail::closer> file_;
};

// Writes a file, which appears with finish() or not at all.
class Writer {
 public:
  static result<Writer> create(const std::string& path, const dcf_writer_options* options = nullptr) {
    dcf_error error = DCF_ERROR_INIT;
    dcf_writer* writer = nullptr;
    if (dcf_writer_open_path(path.c_str(), options, &writer, &error) != DCF_OK) return error;
    return Writer(writer);
  }
  // Row-major elements of a dtype that T names; shape's product is the number of elements.
  template <typename T>
  status add(std::string_view name, std::span<const T> elements, std::span<const uint64_t> shape,
             const dcf_encode_options* options = nullptr) {
    static_assert(detail::dtype_of<T>::value != DCF_DTYPE_NONE, "use add_bytes for this dtype");
    return add_bytes(name, detail::dtype_of<T>::value, elements.data(), elements.size_bytes(), shape, options);
  }
  // The same for any dtype, from its little-endian bytes.
  status add_bytes(std::string_view name, dcf_dtype dtype, const void* data, size_t size,
                   std::span<const uint64_t> shape, const dcf_encode_options* options = nullptr) {
    dcf_error error = DCF_ERROR_INIT;
    const dcf_tensor_spec spec{sizeof(dcf_tensor_spec), name.data(), name.size(), dtype, 0, nullptr, 0,
                               static_cast<uint32_t>(shape.size()), shape.data()};
    return detail::to_status(dcf_writer_add_dense(writer_.get(), &spec, data, size, options, &error), error);
  }
  // The same tensor in pieces: begin_tensor, the bytes in any number of pieces, end_tensor.
  status begin_tensor(std::string_view name, dcf_dtype dtype, std::span<const uint64_t> shape,
                      const dcf_encode_options* options = nullptr) {
    dcf_error error = DCF_ERROR_INIT;
    const dcf_tensor_spec spec{sizeof(dcf_tensor_spec), name.data(), name.size(), dtype, 0, nullptr, 0,
                               static_cast<uint32_t>(shape.size()), shape.data()};
    return detail::to_status(dcf_writer_begin_tensor(writer_.get(), &spec, options, &error), error);
  }
  status write_piece(std::span<const uint8_t> bytes) {
    dcf_error error = DCF_ERROR_INIT;
    return detail::to_status(dcf_writer_write_piece(writer_.get(), bytes.data(), bytes.size(), &error), error);
  }
  status end_tensor() {
    dcf_error error = DCF_ERROR_INIT;
    return detail::to_status(dcf_writer_end_tensor(writer_.get(), &error), error);
  }
  // A tensor of an open file as it is stored, under its name or another one.
  status copy(const Tensor& tensor) { return copy_as(tensor, nullptr, 0); }
  status copy(const Tensor& tensor, std::string_view name) {
    return copy_as(tensor, name.data() == nullptr ? "" : name.data(), name.size());
  }
  // An ancillary section (dcf_writer_add_section).
  status add_section(uint32_t kind, std::span<const uint8_t> bytes) {
    dcf_error error = DCF_ERROR_INIT;
    return detail::to_status(dcf_writer_add_section(writer_.get(), kind, bytes.data(), bytes.size(), &error),
                             error);
  }
  status add_metadata(std::string_view key, std::string_view value) {
    dcf_error error = DCF_ERROR_INIT;
    return detail::to_status(
        dcf_writer_add_metadata(writer_.get(), key.data(), key.size(), value.data(), value.size(), &error), error);
  }
  status finish() {
    dcf_error error = DCF_ERROR_INIT;
    return detail::to_status(dcf_writer_finish(writer_.get(), &error), error);
  }
  dcf_writer* get() { return writer_.get(); }

 private:
  explicit Writer(dcf_writer* writer) : writer_(writer) {}
  status copy_as(const Tensor& tensor, const char* name, size_t name_size) {
    dcf_error error = DCF_ERROR_INIT;
    return detail::to_status(
        dcf_writer_copy_tensor(writer_.get(), tensor.file(), tensor.index(), name, name_size, &error), error);
  }
  std::unique_ptr<dcf_writer, detail::closer> writer_;
};

}  // namespace dcf

#endif  // DCF_DCF_HPP_
