// SPDX-License-Identifier: Apache-2.0
// Part of dcf/dcf.hpp: writing files.
#ifndef DCF_HPP_WRITER_HPP_
#define DCF_HPP_WRITER_HPP_

#include <string>
#include <type_traits>
#include <vector>

#include "dcf/dcf_write.h"
#include "dcf/hpp/file.hpp"

namespace dcf {

inline std::string_view name(dcf_init init) {
  return dcf_init_name(init);
}

inline std::string_view name(dcf_effort effort) {
  return dcf_effort_name(effort);
}

inline dcf_writer_options writer_options() {
  dcf_writer_options options;
  dcf_writer_options_init(&options);
  return options;
}
inline dcf_encode_options encode_options() {
  dcf_encode_options options;
  dcf_encode_options_init(&options);
  return options;
}
// The SQNR of each tensor of a model of this quality, in dB (dcf_encode_options.sqnr_db). costs may
// be empty.
inline Result<std::vector<double>> allot_quality(double quality_db,
                                                 std::span<const uint64_t> elements,
                                                 std::span<const double> costs = {}) {
  if (!detail::fits(costs.size(), elements.size())) return detail::sizes_differ();
  std::vector<double> sqnr_db(elements.size());
  const Status status = detail::call([&](dcf_error* error) {
    return dcf_allot_quality(quality_db, elements.data(), detail::or_null(costs), elements.size(),
                             sqnr_db.data(), error);
  });
  if (!status) return status.error();
  return sqnr_db;
}
// The result borrows name and shape: not those that are about to end.
template <typename Name>
  requires std::is_same_v<Name, std::string>
dcf_tensor_spec tensor_spec(Name&&, dcf_dtype, std::span<const uint64_t>) = delete;
inline dcf_tensor_spec tensor_spec(std::string_view name, dcf_dtype dtype,
                                   std::span<const uint64_t> shape) {
  dcf_tensor_spec spec = DCF_TENSOR_SPEC_INIT;
  spec.name = name.data();
  spec.name_size = name.size();
  spec.dtype = dtype;
  spec.rank = shape.size() > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(shape.size());
  spec.dims = shape.data();
  return spec;
}

// Moments of the inputs of a tensor, for dcf_encode_options.moments; borrowed, as is the result.
inline dcf_moments matrix_moments(std::span<const float> matrix, uint64_t groups = 1) {
  dcf_moments moments = DCF_MOMENTS_INIT;
  moments.groups = groups;
  moments.matrix = matrix.data();
  moments.matrix_size = matrix.size();
  return moments;
}
inline Result<dcf_moments> vector_moments(std::span<const float> mean,
                                          std::span<const float> mean_square, uint64_t groups = 1) {
  if (mean.size() != mean_square.size()) return detail::sizes_differ();
  dcf_moments moments = DCF_MOMENTS_INIT;
  moments.groups = groups;
  moments.mean = mean.data();
  moments.mean_square = mean_square.data();
  moments.vector_size = mean.size();
  return moments;
}
// What rounding as `options` say does to the outputs of a tensor.
inline Result<double> measure_rounding(const dcf_tensor_spec& spec, std::span<const uint8_t> data,
                                       const dcf_encode_options& options,
                                       const dcf_writer_options& writer = writer_options()) {
  double output_error = 0;
  const Status status = detail::call([&](dcf_error* error) {
    return dcf_measure_rounding(&spec, data.data(), data.size(), &options, &writer, &output_error,
                                error);
  });
  if (!status) return status.error();
  return output_error;
}

// Statistics of the values of a tensor that is encoded in ranges.
class Stats {
 public:
  static Result<Stats> open(const dcf_tensor_spec& spec,
                            const dcf_encode_options& options = encode_options()) {
    dcf_stats* stats = nullptr;
    const Status status = detail::call(
        [&](dcf_error* error) { return dcf_stats_open(&spec, &options, &stats, error); });
    if (!status) return status.error();
    return Stats(stats);
  }
  Status add(std::span<const uint8_t> data) {
    return detail::call(
        [&](dcf_error* error) { return dcf_stats_add(get(), data.data(), data.size(), error); });
  }
  Status merge(std::span<const uint8_t> saved) {
    return detail::call([&](dcf_error* error) {
      return dcf_stats_merge(get(), saved.data(), saved.size(), error);
    });
  }
  Result<std::vector<uint8_t>> save() const {
    size_t size = 0;
    std::vector<uint8_t> saved;
    const Status status = detail::call([&](dcf_error* error) {
      const dcf_status measured = dcf_stats_save(get(), nullptr, 0, &size, error);
      if (measured != DCF_OK) return measured;
      saved.resize(size);
      return dcf_stats_save(get(), saved.data(), saved.size(), &size, error);
    });
    if (!status) return status.error();
    return saved;
  }
  // The elements after which the tensor may be cut, each time.
  Result<uint64_t> cut() const {
    uint64_t elements = 0;
    const Status status =
        detail::call([&](dcf_error* error) { return dcf_stats_cut(get(), &elements, error); });
    if (!status) return status.error();
    return elements;
  }
  dcf_stats* get() const { return stats_.get(); }

 private:
  struct Closer {
    void operator()(dcf_stats* stats) const { dcf_stats_close(stats); }
  };
  explicit Stats(dcf_stats* stats) : stats_(stats) {}

  std::unique_ptr<dcf_stats, Closer> stats_;
};

// Writes a file, which appears with finish() or not at all.
class Writer {
 public:
  static Result<Writer> open(const char* path,
                             const dcf_writer_options& options = writer_options()) {
    return make([&](dcf_writer** writer, dcf_error* error) {
      return dcf_writer_open_path(path, &options, writer, error);
    });
  }
  static Result<Writer> open(const std::string& path,
                             const dcf_writer_options& options = writer_options()) {
    return open(path.c_str(), options);
  }
  static Result<Writer> open(const dcf_sink& sink,
                             const dcf_writer_options& options = writer_options()) {
    return make([&](dcf_writer** writer, dcf_error* error) {
      return dcf_writer_open_sink(&sink, &options, writer, error);
    });
  }
  // Row-major elements of the dtype of T; shape's product is the number of elements.
  template <typename T>
  Status add(std::string_view name, std::span<const T> elements, std::span<const uint64_t> shape,
             const dcf_encode_options& options = encode_options()) {
    static_assert(dtype_of<T> != DCF_DTYPE_NONE, "use add_bytes for this dtype");
    return add_bytes(tensor_spec(name, dtype_of<T>, shape),
                     {reinterpret_cast<const uint8_t*>(elements.data()), elements.size_bytes()},
                     options);
  }
  // The same for any dtype, from its little-endian bytes.
  Status add_bytes(const dcf_tensor_spec& spec, std::span<const uint8_t> data,
                   const dcf_encode_options& options = encode_options()) {
    return detail::call([&](dcf_error* error) {
      return dcf_writer_add_dense(get(), &spec, data.data(), data.size(), &options, error);
    });
  }
  // Many tensors, several of them at a time; error().tensor is the index of one that fails.
  Status add_tensors(std::span<const dcf_dense_tensor> tensors) {
    return detail::call([&](dcf_error* error) {
      return dcf_writer_add_tensors(get(), tensors.data(), tensors.size(), error);
    });
  }
  // A tensor in pieces: begin_tensor, the bytes in any number of pieces, end_tensor.
  Status begin_tensor(const dcf_tensor_spec& spec,
                      const dcf_encode_options& options = encode_options()) {
    return detail::call(
        [&](dcf_error* error) { return dcf_writer_begin_tensor(get(), &spec, &options, error); });
  }
  Status write_piece(std::span<const uint8_t> bytes) {
    return detail::call([&](dcf_error* error) {
      return dcf_writer_write_piece(get(), bytes.data(), bytes.size(), error);
    });
  }
  Status end_tensor() {
    return detail::call([&](dcf_error* error) { return dcf_writer_end_tensor(get(), error); });
  }
  // Copies a tensor of an open file as it is stored, under its name or another one.
  Status copy(const Tensor& tensor) { return copy_as(tensor, nullptr, 0); }
  Status copy(const Tensor& tensor, std::string_view name) {
    return copy_as(tensor, name.data() == nullptr ? "" : name.data(), name.size());
  }
  // All tensors of a part; a tensor with the data of another one; a range of a tensor, to a part.
  Status add_part(const File& part) {
    return detail::call(
        [&](dcf_error* error) { return dcf_writer_add_part(get(), part.get(), error); });
  }
  Status add_alias(const dcf_tensor_spec& spec, std::string_view target) {
    return detail::call([&](dcf_error* error) {
      return dcf_writer_add_alias(get(), &spec, target.data(), target.size(), error);
    });
  }
  Status add_range(const dcf_tensor_spec& spec, const Stats& stats, uint64_t first_element,
                   std::span<const uint8_t> data,
                   const dcf_encode_options& options = encode_options()) {
    return detail::call([&](dcf_error* error) {
      return dcf_writer_add_range(get(), &spec, stats.get(), first_element, data.data(),
                                  data.size(), &options, error);
    });
  }
  // Compressed sparse rows of the dtype of T.
  template <typename T>
  Status add_csr(std::string_view name, std::span<const uint64_t> shape,
                 std::span<const uint64_t> row_ptr, std::span<const uint32_t> col,
                 std::span<const T> values, const dcf_encode_options& options = encode_options()) {
    static_assert(dtype_of<T> != DCF_DTYPE_NONE, "there is no dtype of this type");
    if (col.size() != values.size()) return detail::invalid("col and values differ in size");
    const dcf_tensor_spec spec = tensor_spec(name, dtype_of<T>, shape);
    return detail::call([&](dcf_error* error) {
      return dcf_writer_add_csr(get(), &spec, row_ptr.data(), row_ptr.size(), col.data(),
                                values.data(), values.size(), &options, error);
    });
  }
  // One code per entry of CSR or, if row_ptr and col are empty, per element.
  template <typename T>
  Status add_codes(std::string_view name, std::span<const uint64_t> shape,
                   std::span<const uint64_t> row_ptr, std::span<const uint32_t> col,
                   std::span<const uint8_t> codes, std::span<const T> codebook,
                   const dcf_encode_options& options = encode_options()) {
    static_assert(dtype_of<T> != DCF_DTYPE_NONE, "there is no dtype of this type");
    if (!row_ptr.empty() && col.size() != codes.size()) {
      return detail::invalid("col and codes differ in size");
    }
    if (codebook.size() > 256) return detail::invalid("the codebook has more than 256 entries");
    const dcf_tensor_spec spec = tensor_spec(name, dtype_of<T>, shape);
    return detail::call([&](dcf_error* error) {
      return dcf_writer_add_codes(get(), &spec, row_ptr.empty() ? nullptr : row_ptr.data(),
                                  row_ptr.size(), row_ptr.empty() ? nullptr : col.data(),
                                  codes.data(), codes.size(), codebook.data(),
                                  static_cast<uint32_t>(codebook.size()), &options, error);
    });
  }
  Status add_metadata(std::string_view key, std::string_view value) {
    return detail::call([&](dcf_error* error) {
      return dcf_writer_add_metadata(get(), key.data(), key.size(), value.data(), value.size(),
                                     error);
    });
  }
  // An ancillary section.
  Status add_section(uint32_t kind, std::span<const uint8_t> bytes) {
    return detail::call([&](dcf_error* error) {
      return dcf_writer_add_section(get(), kind, bytes.data(), bytes.size(), error);
    });
  }
  Status finish() {
    return detail::call([&](dcf_error* error) { return dcf_writer_finish(get(), error); });
  }
  dcf_writer* get() { return writer_.get(); }

 private:
  struct Closer {
    void operator()(dcf_writer* writer) const { dcf_writer_close(writer); }
  };
  explicit Writer(dcf_writer* writer) : writer_(writer) {}
  Status copy_as(const Tensor& tensor, const char* name, size_t name_size) {
    return detail::call([&](dcf_error* error) {
      return dcf_writer_copy_tensor(get(), tensor.file(), tensor.index(), name, name_size, error);
    });
  }
  template <typename Open>
  static Result<Writer> make(Open open) {
    dcf_writer* writer = nullptr;
    const Status status = detail::call([&](dcf_error* error) { return open(&writer, error); });
    if (!status) return status.error();
    return Writer(writer);
  }

  std::unique_ptr<dcf_writer, Closer> writer_;
};

}  // namespace dcf

#endif  // DCF_HPP_WRITER_HPP_
