// SPDX-License-Identifier: Apache-2.0
// Part of dcf/dcf.hpp: files and tensors.
#ifndef DCF_HPP_FILE_HPP_
#define DCF_HPP_FILE_HPP_

#include <string>
#include <type_traits>
#include <vector>

#include "dcf/hpp/result.hpp"

namespace dcf {

// Compressed sparse rows: row_ptr has rows + 1 values, col and values one per stored nonzero.
template <typename T>
struct Csr {
  Buffer<uint64_t> row_ptr;
  Buffer<uint32_t> col;
  Buffer<T> values;
};

// Bytes of a decoded tensor, and the most memory that the library allocates to decode it.
struct DecodeBound {
  uint64_t dst_bytes = 0;
  uint64_t working_bytes = 0;
};

// A pair of model metadata. Both belong to the file.
struct Metadata {
  std::string_view key;
  std::string_view value;
};

inline dcf_open_options open_options() {
  dcf_open_options options;
  dcf_open_options_init(&options);
  return options;
}

// One tensor of an open file. Valid as long as the File; cheap to copy. Each result that a member
// allocates has at most max_bytes, by default the max_memory of the file's options; LimitMemory if
// it would be larger, whatever the file claims.
class Tensor {
 public:
  const dcf_tensor_info& info() const& { return info_; }
  dcf_tensor_info info() && { return info_; }
  std::string_view name() const { return {info_.name, info_.name_size}; }
  // "" unless the dtype is DCF_DTYPE_OPAQUE.
  std::string_view opaque_name() const { return dcf_tensor_opaque_name(file_, index_); }
  // As long as the Tensor.
  std::span<const uint64_t> shape() const& { return {info_.dims, info_.rank}; }
  std::span<const uint64_t> shape() && = delete;
  uint64_t max_bytes() const { return max_bytes_; }
  size_t index() const { return index_; }
  const dcf_file* file() const { return file_; }

  // Where the bytes of the tensor are spent.
  Result<dcf_tensor_bytes> measure() const {
    dcf_tensor_bytes bytes = DCF_TENSOR_BYTES_INIT;
    return with(bytes, detail::call([&](dcf_error* error) {
                  return dcf_tensor_measure(file_, index_, &bytes, error);
                }));
  }
  Result<DecodeBound> decode_bound(dcf_dtype as = DCF_DTYPE_NONE) const {
    DecodeBound bound;
    return with(bound, detail::call([&](dcf_error* error) {
                  return dcf_tensor_decode_bound(file_, index_, as, &bound.dst_bytes,
                                                 &bound.working_bytes, error);
                }));
  }

  // All elements, row-major. T: float for any float or integer dtype, or the tensor's own C++ type.
  template <typename T>
  Result<Buffer<T>> decode() const {
    return decode<T>(max_bytes_);
  }
  template <typename T>
  Result<Buffer<T>> decode(uint64_t max_bytes) const {
    static_assert(dtype_of<T> != DCF_DTYPE_NONE, "use bytes() for this dtype");
    Result<Buffer<T>> out = Buffer<T>::allocate(info_.elements, max_bytes);
    if (!out) return out;
    return with(std::move(out), decode_to(out->data(), out->size() * sizeof(T), dtype_of<T>));
  }
  // Rows [first, first + count).
  template <typename T>
  Result<Buffer<T>> rows(uint64_t first, uint64_t count) const {
    return rows<T>(first, count, max_bytes_);
  }
  template <typename T>
  Result<Buffer<T>> rows(uint64_t first, uint64_t count, uint64_t max_bytes) const {
    static_assert(dtype_of<T> != DCF_DTYPE_NONE, "use bytes() for this dtype");
    if (first > info_.rows || count > info_.rows - first) {
      return detail::invalid("the rows are out of range");
    }
    Result<Buffer<T>> out = Buffer<T>::allocate(count * info_.cols, max_bytes);
    if (!out) return out;
    return with(std::move(out), detail::call([&](dcf_error* error) {
                  return dcf_tensor_decode_rows(file_, index_, dtype_of<T>, first, count,
                                                out->data(), out->size() * sizeof(T), error);
                }));
  }
  // The exact bytes, little-endian.
  Result<Buffer<uint8_t>> bytes() const { return bytes(max_bytes_); }
  Result<Buffer<uint8_t>> bytes(uint64_t max_bytes) const {
    Result<Buffer<uint8_t>> out = Buffer<uint8_t>::allocate(info_.dense_bytes, max_bytes);
    if (!out) return out;
    return with(std::move(out), decode_to(out->data(), out->size(), DCF_DTYPE_NONE));
  }
  // Decodes into memory of the caller.
  Status decode_to(void* dst, size_t dst_size, dcf_dtype as = DCF_DTYPE_NONE) const {
    return detail::call([&](dcf_error* error) {
      return dcf_tensor_decode(file_, index_, as, dst, dst_size, error);
    });
  }
  Status decode_rows_to(uint64_t first, uint64_t count, void* dst, size_t dst_size,
                        dcf_dtype as = DCF_DTYPE_NONE) const {
    return detail::call([&](dcf_error* error) {
      return dcf_tensor_decode_rows(file_, index_, as, first, count, dst, dst_size, error);
    });
  }

  // T as in decode(). max_bytes holds for each of the three arrays.
  template <typename T>
  Result<Csr<T>> csr() const {
    return csr<T>(max_bytes_);
  }
  template <typename T>
  Result<Csr<T>> csr(uint64_t max_bytes) const {
    static_assert(dtype_of<T> != DCF_DTYPE_NONE, "there is no CSR of this type");
    Result<Buffer<uint64_t>> row_ptr = Buffer<uint64_t>::allocate(info_.rows + 1, max_bytes);
    if (!row_ptr) return row_ptr.error();
    Result<Buffer<uint32_t>> col = Buffer<uint32_t>::allocate(info_.nonzeros, max_bytes);
    if (!col) return col.error();
    Result<Buffer<T>> values = Buffer<T>::allocate(info_.nonzeros, max_bytes);
    if (!values) return values.error();
    Csr<T> out{std::move(*row_ptr), std::move(*col), std::move(*values)};
    dcf_csr view = DCF_CSR_INIT;
    view.row_ptr = out.row_ptr.data();
    view.row_ptr_capacity = out.row_ptr.size();
    view.col = out.col.data();
    view.col_capacity = out.col.size();
    view.values = out.values.data();
    view.values_capacity = out.values.size();
    return with(std::move(out), decode_csr_to(&view, dtype_of<T>));
  }
  Status decode_csr_to(dcf_csr* csr, dcf_dtype as = DCF_DTYPE_NONE) const {
    return detail::call(
        [&](dcf_error* error) { return dcf_tensor_decode_csr(file_, index_, as, csr, error); });
  }

  // One code per element, as dcf_tensor_decode_codes.
  Result<Buffer<uint16_t>> codes() const { return codes(max_bytes_); }
  Result<Buffer<uint16_t>> codes(uint64_t max_bytes) const {
    Result<Buffer<uint16_t>> out = Buffer<uint16_t>::allocate(info_.elements, max_bytes);
    if (!out) return out;
    return with(std::move(out), detail::call([&](dcf_error* error) {
                  return dcf_tensor_decode_codes(file_, index_, out->data(), out->size(), error);
                }));
  }
  // T: the tensor's own C++ type.
  template <typename T>
  Result<Buffer<T>> codebook() const {
    if (info_.dtype != dtype_of<T>) return detail::invalid("the codebook is of another dtype");
    Result<Buffer<T>> out = Buffer<T>::allocate(info_.codebook_size, max_bytes_);
    if (!out) return out;
    return with(std::move(out), detail::call([&](dcf_error* error) {
                  return dcf_tensor_decode_codebook(file_, index_, out->data(),
                                                    out->size() * sizeof(T), error);
                }));
  }

  // Checks this tensor alone, against every rule.
  Status verify() const {
    return detail::call([&](dcf_error* error) {
      return dcf_tensor_verify(file_, index_, nullptr, nullptr, error);
    });
  }
  // progress as of File::verify.
  template <typename Progress>
  Status verify(Progress progress) const {
    return detail::call([&](dcf_error* error) {
      return dcf_tensor_verify(file_, index_, detail::progress_fn<Progress>, &progress, error);
    });
  }

  // y = W x: x has info().cols, y info().rows floats. InvalidArgument for other sizes, here and
  // below: a batch is never done in part.
  Status matvec(std::span<const float> x, std::span<float> y) const {
    if (x.size() != info_.cols || y.size() != info_.rows) return detail::no_batch();
    return detail::call([&](dcf_error* error) {
      return dcf_tensor_matvec(file_, index_, x.data(), x.size(), y.data(), y.size(), error);
    });
  }
  // The same for each sample of a batch: x is [batch, cols], y [batch, rows].
  Status matmul(std::span<const float> x, std::span<float> y, uint64_t batch) const {
    if (!detail::is_batch(x.size(), batch, info_.cols) ||
        !detail::is_batch(y.size(), batch, info_.rows)) {
      return detail::no_batch();
    }
    return detail::call([&](dcf_error* error) {
      return dcf_tensor_matmul(file_, index_, x.data(), x.size(), y.data(), y.size(), batch, error);
    });
  }
  // x is [batch, channels, height, width].
  Status conv2d(const dcf_conv2d_shape& shape, std::span<const float> x, std::span<float> y,
                uint64_t batch = 1) const {
    if (!detail::is_batch(x.size(), batch, shape.in_channels * shape.height * shape.width)) {
      return detail::no_batch();
    }
    return detail::call([&](dcf_error* error) {
      return dcf_tensor_conv2d(file_, index_, &shape, x.data(), x.size(), y.data(), y.size(), batch,
                               error);
    });
  }

 private:
  friend class File;
  Tensor(const dcf_file* file, size_t index, uint64_t max_bytes)
      : file_(file), index_(index), max_bytes_(max_bytes) {}

  // The value if the call that made it succeeded. A reference, as a compiler may evaluate the value
  // before the call.
  template <typename T>
  static Result<std::remove_cvref_t<T>> with(T&& value, const Status& status) {
    if (!status) return status.error();
    return Result<std::remove_cvref_t<T>>(std::forward<T>(value));
  }
  template <typename T>
  static Result<T> with(Result<T>&& value, const Status& status) {
    if (!status) return status.error();
    return std::move(value);
  }

  const dcf_file* file_;
  size_t index_;
  uint64_t max_bytes_;
  dcf_tensor_info info_ = DCF_TENSOR_INFO_INIT;
};

// An open file. Movable; a const File may be used by many threads.
class File {
 public:
  static Result<File> open(const char* path, const dcf_open_options& options = open_options()) {
    return make(options, [&](dcf_file** file, dcf_error* error) {
      return dcf_file_open_path(path, &options, file, error);
    });
  }
  static Result<File> open(const std::string& path,
                           const dcf_open_options& options = open_options()) {
    return open(path.c_str(), options);
  }
  // Borrows the bytes as long as the File lives: not those of a vector that is about to end.
  static Result<File> open(std::span<const uint8_t> bytes,
                           const dcf_open_options& options = open_options()) {
    return make(options, [&](dcf_file** file, dcf_error* error) {
      return dcf_file_open_memory(bytes.data(), bytes.size(), &options, file, error);
    });
  }
  static Result<File> open(std::vector<uint8_t>&&,
                           const dcf_open_options& = open_options()) = delete;
  static Result<File> open(const dcf_reader& reader,
                           const dcf_open_options& options = open_options()) {
    return make(options, [&](dcf_file** file, dcf_error* error) {
      return dcf_file_open_reader(&reader, &options, file, error);
    });
  }

  dcf_file_info info() const {
    dcf_file_info info = DCF_FILE_INFO_INIT;
    (void)dcf_file_describe(file_.get(), &info, nullptr);  // fails for NULL only
    return info;
  }
  // Tensors, which are sorted by name. They, and metadata, are valid as long as the File: not those
  // of a file that is about to end.
  size_t size() const { return dcf_tensor_count(file_.get()); }
  // InvalidArgument if there is no such index.
  Result<Tensor> tensor(size_t index) const& {
    Tensor tensor(file_.get(), index, max_bytes_);
    const Status status = detail::call([&](dcf_error* error) {
      return dcf_tensor_describe(file_.get(), index, &tensor.info_, error);
    });
    if (!status) return status.error();
    return tensor;
  }
  // NotFound if there is no such name.
  Result<Tensor> tensor(size_t) && = delete;
  Result<Tensor> tensor(std::string_view name) const& {
    size_t index = DCF_NO_INDEX;
    const Status status = detail::call([&](dcf_error* error) {
      return dcf_tensor_find(file_.get(), name.data(), name.size(), &index, error);
    });
    if (!status) return status.error();
    return tensor(index);
  }
  Result<Tensor> tensor(std::string_view) && = delete;
  size_t metadata_count() const { return dcf_metadata_count(file_.get()); }
  Result<Metadata> metadata(size_t index) const& {
    const char *key, *value;
    size_t key_size, value_size;
    const Status status = detail::call([&](dcf_error* error) {
      return dcf_metadata_at(file_.get(), index, &key, &key_size, &value, &value_size, error);
    });
    if (!status) return status.error();
    return Metadata{{key, key_size}, {value, value_size}};
  }
  Result<Metadata> metadata(size_t) && = delete;
  // The value of a key. NotFound if there is no such key.
  Result<std::string_view> metadata(std::string_view key) const& {
    const char* value;
    size_t value_size;
    const Status status = detail::call([&](dcf_error* error) {
      return dcf_metadata_find(file_.get(), key.data(), key.size(), &value, &value_size, error);
    });
    if (!status) return status.error();
    return std::string_view(value, value_size);
  }
  Result<std::string_view> metadata(std::string_view) && = delete;
  // Many tensors in one call, into memory of the caller; each output begins with
  // DCF_DENSE_OUTPUT_INIT.
  Status decode_tensors(std::span<const dcf_dense_output> outputs) const {
    return detail::call([&](dcf_error* error) {
      return dcf_file_decode_tensors(file_.get(), outputs.data(), outputs.size(), error);
    });
  }
  Status verify() const {
    return detail::call(
        [&](dcf_error* error) { return dcf_file_verify(file_.get(), nullptr, nullptr, error); });
  }
  // progress(done, total) -> bool: whether to go on. It is called from one thread at a time and
  // must not throw.
  template <typename Progress>
  Status verify(Progress progress) const {
    return detail::call([&](dcf_error* error) {
      return dcf_file_verify(file_.get(), detail::progress_fn<Progress>, &progress, error);
    });
  }
  // Another handle of the file. Each of its calls that decodes reports to *progress, as verify()
  // does, and can be cancelled by it. *progress must outlive the handle.
  template <typename Progress>
  Result<File> watch(Progress* progress) const {
    dcf_file* file = nullptr;
    const Status status = detail::call([&](dcf_error* error) {
      return dcf_file_watch(file_.get(), detail::progress_fn<Progress>, progress, &file, error);
    });
    if (!status) return status.error();
    return File(file, max_bytes_);
  }
  // Ancillary sections, in ascending order of their kinds.
  size_t sections() const { return dcf_section_count(file_.get()); }
  Result<dcf_section_info> section(size_t index) const {
    dcf_section_info info = DCF_SECTION_INFO_INIT;
    const Status status = detail::call(
        [&](dcf_error* error) { return dcf_section_describe(file_.get(), index, &info, error); });
    if (!status) return status.error();
    return info;
  }
  Result<Buffer<uint8_t>> section_bytes(size_t index) const {
    const Result<dcf_section_info> info = section(index);
    if (!info) return info.error();
    Result<Buffer<uint8_t>> out = Buffer<uint8_t>::allocate(info->bytes, max_bytes_);
    if (!out) return out;
    const Status status = detail::call([&](dcf_error* error) {
      return dcf_section_read(file_.get(), index, out->data(), out->size(), error);
    });
    if (!status) return status.error();
    return out;
  }
  uint64_t max_bytes() const { return max_bytes_; }
  const dcf_file* get() const { return file_.get(); }

 private:
  struct Closer {
    void operator()(dcf_file* file) const { dcf_file_close(file); }
  };
  File(dcf_file* file, uint64_t max_bytes) : file_(file), max_bytes_(max_bytes) {}
  template <typename Open>
  static Result<File> make(const dcf_open_options& options, Open open) {
    dcf_file* file = nullptr;
    const Status status = detail::call([&](dcf_error* error) { return open(&file, error); });
    if (!status) return status.error();
    return File(file, options.max_memory != 0 ? options.max_memory : open_options().max_memory);
  }

  std::unique_ptr<dcf_file, Closer> file_;
  uint64_t max_bytes_;
};

}  // namespace dcf

#endif  // DCF_HPP_FILE_HPP_
