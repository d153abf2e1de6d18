// SPDX-License-Identifier: Apache-2.0
// dcf_write.h: the encoder.
#include "api/writer.h"
#include "base/cpu.h"

using dcf::impl::Code;
using dcf::impl::fail;
using dcf::impl::invalid;
using dcf::impl::ok_status;
using dcf::impl::Status;
using dcf::impl::api::guarded;
using dcf::impl::api::set_out;
using dcf::impl::io::AtomicFile;

namespace {

using dcf::impl::Bytes;
using dcf::impl::Result;
using dcf::impl::api::change;
using dcf::impl::api::copy_source;
using dcf::impl::api::read_options;
using dcf::impl::api::read_spec;
using dcf::impl::encode::CodesData;
using dcf::impl::encode::CopySource;
using dcf::impl::encode::CsrData;
using dcf::impl::encode::DenseData;
using dcf::impl::encode::DenseSource;
using dcf::impl::encode::EncodeOptions;
using dcf::impl::encode::FileWriter;
using dcf::impl::encode::TensorInput;
using dcf::impl::encode::TensorSpec;

// open_output(overwrite, dcf_writer*) -> Status sets the output of a new writer.
template <typename OpenOutput>
dcf_status open_writer(const dcf_writer_options* options, dcf_writer** out, dcf_error* error,
                       OpenOutput open_output) {
  set_out<dcf_writer*>(out, nullptr);
  return guarded(error, [&]() -> Status {
    if (out == nullptr) return invalid("the output is NULL");
    dcf::impl::encode::WriterOptions writer_options;
    bool overwrite = false;
    DCF_TRY(dcf::impl::api::read_writer_options(options, &writer_options, &overwrite));
    DCF_TRY(dcf::impl::check_kernel_choice());
    auto writer = std::make_unique<dcf_writer>();
    writer->writer = std::make_unique<dcf::impl::encode::FileWriter>(writer_options);
    DCF_TRY(open_output(overwrite, writer.get()));
    *out = writer.release();
    return ok_status();
  });
}

// The sizes of a caller's arrays of CSR entries, which the encode layer takes from the shape.
Status check_csr_sizes(const TensorSpec& spec, const uint64_t* row_ptr, size_t row_ptr_elements,
                       uint64_t entries) {
  const uint64_t rows = spec.dims.empty() ? 1 : spec.dims[0];
  if (row_ptr == nullptr) return invalid("there are no row pointers");
  if (row_ptr_elements == 0 || row_ptr_elements - 1 != rows)
    return invalid("the number of row pointers is not that of the rows and 1");
  if (row_ptr[rows] != entries) return invalid("the last row pointer is not the number of entries");
  return ok_status();
}

// make_data(spec) -> Result of what a TensorInput holds.
template <typename MakeData>
dcf_status add(dcf_writer* writer, const dcf_tensor_spec* spec, const dcf_encode_options* options,
               dcf_error* error, MakeData make_data) {
  return change(writer, error, [&](FileWriter& out) -> Status {
    TensorInput input;
    DCF_TRY(read_spec(spec, &input.spec));
    DCF_ASSIGN(input.data, make_data(input.spec));
    EncodeOptions encode;
    DCF_TRY(read_options(options, &encode));
    return out.add(input, encode);
  });
}

// Tensor i of a caller's array.
Result<DenseSource> find_source(const dcf_dense_tensor* tensors, size_t i) {
  dcf_dense_tensor tensor = DCF_DENSE_TENSOR_INIT;
  DCF_TRY(dcf::impl::api::copy_in_at(tensors, i, &tensor));
  DenseSource source;
  DCF_TRY(read_spec(tensor.spec, &source.spec));
  DCF_TRY(read_options(tensor.options, &source.options));
  if (tensor.read == nullptr) {
    if (tensor.data == nullptr && tensor.size != 0) return invalid("the data is NULL");
    source.data = {static_cast<const uint8_t*>(tensor.data), tensor.size};
    return source;
  }
  if (tensor.data != nullptr || tensor.size != 0) {
    return invalid("a tensor that is read has data, too");
  }
  source.read = [read = tensor.read, ctx = tensor.ctx](dcf::impl::MutableBytes dst) -> Status {
    if (read(ctx, dst.data(), dst.size()) == 0) return ok_status();
    return fail(Code::IoRead, "", "the caller's function could not read the tensor");
  };
  return source;
}

}  // namespace

const char* dcf_init_name(dcf_init init) {
  switch (init) {
    case DCF_INIT_LINEAR:
      return "linear";
    case DCF_INIT_DENSITY:
      return "density";
    case DCF_INIT_FORGY:
      return "forgy";
    case DCF_INIT_OPTIMAL:
      return "optimal";
  }
  return "";
}

const char* dcf_effort_name(dcf_effort effort) {
  switch (effort) {
    case DCF_EFFORT_NORMAL:
      return "normal";
    case DCF_EFFORT_SMALLEST:
      return "smallest";
    case DCF_EFFORT_FAST:
      return "fast";
  }
  return "";
}

void dcf_encode_options_init(dcf_encode_options* options) {
  if (options == nullptr) return;
  *options = dcf_encode_options{};
  options->struct_size = sizeof *options;
  options->positions = DCF_POSITIONS_AUTO;
}

void dcf_writer_options_init(dcf_writer_options* options) {
  if (options == nullptr) return;
  *options = dcf_writer_options{};
  options->struct_size = sizeof *options;
  options->max_memory = dcf::impl::encode::WriterOptions{}.max_memory;
}

dcf_status dcf_writer_open_path(const char* path, const dcf_writer_options* options,
                                dcf_writer** out, dcf_error* error) {
  return open_writer(options, out, error, [&](bool overwrite, dcf_writer* writer) -> Status {
    if (path == nullptr) return invalid("the path is NULL");
    DCF_ASSIGN(writer->file, AtomicFile::create(path, overwrite));
    return ok_status();
  });
}

dcf_status dcf_writer_open_sink(const dcf_sink* sink, const dcf_writer_options* options,
                                dcf_writer** out, dcf_error* error) {
  return open_writer(options, out, error, [&](bool, dcf_writer* writer) -> Status {
    dcf_sink s = DCF_SINK_INIT;
    DCF_TRY(dcf::impl::api::copy_in(sink, &s));
    if (s.write == nullptr) return invalid("the sink is NULL");
    writer->callback = std::make_unique<dcf::impl::io::CallbackSink>(s.write, s.ctx);
    return ok_status();
  });
}

dcf_status dcf_writer_add_dense(dcf_writer* writer, const dcf_tensor_spec* spec, const void* data,
                                size_t size, const dcf_encode_options* options, dcf_error* error) {
  return add(writer, spec, options, error, [&](const TensorSpec&) -> Result<DenseData> {
    if (data == nullptr && size != 0) return invalid("the data is NULL");
    return DenseData{{static_cast<const uint8_t*>(data), size}};
  });
}

dcf_status dcf_writer_add_tensors(dcf_writer* writer, const dcf_dense_tensor* tensors, size_t count,
                                  dcf_error* error) {
  return change(writer, error, [&](FileWriter& out) -> Status {
    if (tensors == nullptr && count != 0) return invalid("an argument is NULL");
    return out.add_all(count, [&](size_t i) { return find_source(tensors, i); });
  });
}

dcf_status dcf_writer_add_csr(dcf_writer* writer, const dcf_tensor_spec* spec,
                              const uint64_t* row_ptr, size_t row_ptr_elements, const uint32_t* col,
                              const void* values, uint64_t entries,
                              const dcf_encode_options* options, dcf_error* error) {
  return add(writer, spec, options, error, [&](const TensorSpec& s) -> Result<CsrData> {
    DCF_TRY(check_csr_sizes(s, row_ptr, row_ptr_elements, entries));
    return CsrData{row_ptr, col, static_cast<const uint8_t*>(values)};
  });
}

dcf_status dcf_writer_add_codes(dcf_writer* writer, const dcf_tensor_spec* spec,
                                const uint64_t* row_ptr, size_t row_ptr_elements,
                                const uint32_t* col, const uint8_t* codes, uint64_t entries,
                                const void* codebook, uint32_t codebook_size,
                                const dcf_encode_options* options, dcf_error* error) {
  return add(writer, spec, options, error, [&](const TensorSpec& s) -> Result<CodesData> {
    if (row_ptr != nullptr || col != nullptr || row_ptr_elements != 0) {
      DCF_TRY(check_csr_sizes(s, row_ptr, row_ptr_elements, entries));
    } else {
      DCF_ASSIGN(const uint64_t elements,
                 dcf::impl::format::count_elements({s.dims.begin(), s.dims.end()}));
      if (elements != entries) return invalid("the number of codes is not that of the elements");
    }
    return CodesData{row_ptr, col, codes, static_cast<const uint8_t*>(codebook), codebook_size};
  });
}

dcf_status dcf_writer_begin_tensor(dcf_writer* writer, const dcf_tensor_spec* spec,
                                   const dcf_encode_options* options, dcf_error* error) {
  return change(writer, error, [&](FileWriter& out) -> Status {
    TensorSpec s;
    DCF_TRY(read_spec(spec, &s));
    EncodeOptions encode;
    DCF_TRY(read_options(options, &encode));
    return out.begin_tensor(s, encode);
  });
}

dcf_status dcf_writer_write_piece(dcf_writer* writer, const void* data, size_t size,
                                  dcf_error* error) {
  return change(writer, error, [&](FileWriter& out) -> Status {
    if (data == nullptr && size != 0) return invalid("the data is NULL");
    return out.write_piece({static_cast<const uint8_t*>(data), size});
  });
}

dcf_status dcf_writer_end_tensor(dcf_writer* writer, dcf_error* error) {
  return change(writer, error, [](FileWriter& out) { return out.end_tensor(); });
}

dcf_status dcf_writer_copy_tensor(dcf_writer* writer, const dcf_file* file, size_t index,
                                  const char* name, size_t name_size, dcf_error* error) {
  return change(writer, error, [&](FileWriter& out) -> Status {
    DCF_TRY(dcf::impl::api::check_tensor(file, index));
    if (name == nullptr && name_size != 0) return invalid("an argument is NULL");
    dcf::impl::BigVector<uint8_t> storage;
    DCF_ASSIGN(CopySource source, copy_source(*file, index, &storage));
    if (name != nullptr) source.spec.name = {name, name_size};
    return out.copy(source);
  });
}

dcf_status dcf_writer_add_section(dcf_writer* writer, uint32_t kind, const void* data, size_t size,
                                  dcf_error* error) {
  return change(writer, error, [&](FileWriter& out) -> Status {
    if (data == nullptr && size != 0) return invalid("the data is NULL");
    return out.add_section(kind, {static_cast<const uint8_t*>(data), size});
  });
}

dcf_status dcf_writer_add_metadata(dcf_writer* writer, const char* key, size_t key_size,
                                   const char* value, size_t value_size, dcf_error* error) {
  return change(writer, error, [&](FileWriter& out) -> Status {
    if ((key == nullptr && key_size != 0) || (value == nullptr && value_size != 0)) {
      return invalid("an argument is NULL");
    }
    return out.add_metadata({key, key_size}, {value, value_size});
  });
}

dcf_status dcf_writer_finish(dcf_writer* writer, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(dcf::impl::api::check_writer(writer));
    if (writer->callback != nullptr) return writer->writer->finish(*writer->callback);
    DCF_TRY(writer->writer->finish(*writer->file));
    return writer->file->commit();
  });
}

void dcf_writer_close(dcf_writer* writer) {
  delete writer;
}
