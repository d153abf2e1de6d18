// SPDX-License-Identifier: Apache-2.0
// dcf_write.h: the encoder.
#include "api/boundary.h"
#include "dcf/dcf_write.h"
#include "encode/file_writer.h"
#include "io/atomic_file.h"

using dcf::impl::AtomicFile;
using dcf::impl::Code;
using dcf::impl::fail;
using dcf::impl::guarded;
using dcf::impl::invalid;
using dcf::impl::ok_status;
using dcf::impl::Status;

struct dcf_writer {
  std::unique_ptr<dcf::impl::FileWriter> writer;
  std::unique_ptr<AtomicFile> file;  // one of the two is set
  std::unique_ptr<dcf::impl::CallbackSink> callback;
};

namespace {

using dcf::impl::EncodeOptions;
using dcf::impl::TensorInput;
using dcf::impl::TensorSpec;

// open_output(options, dcf_writer*) -> Status sets the output of a new writer.
template <typename OpenOutput>
dcf_status open_writer(const dcf_writer_options* options, dcf_writer** out, dcf_error* error,
                       OpenOutput open_output) {
  if (out != nullptr) *out = nullptr;
  return guarded(error, [&]() -> Status {
    if (out == nullptr) return invalid("the output is NULL");
    dcf_writer_options o;
    dcf_writer_options_init(&o);
    DCF_TRY(dcf::impl::copy_in(options, &o));
    dcf::impl::WriterOptions writer_options;
    if (o.max_memory != 0) writer_options.max_memory = o.max_memory;
    writer_options.parallel = dcf::impl::parallel_of(o.threads, o.parallel, o.parallel_ctx);
    auto writer = std::make_unique<dcf_writer>();
    writer->writer = std::make_unique<dcf::impl::FileWriter>(writer_options);
    DCF_TRY(open_output(o, writer.get()));
    *out = writer.release();
    return ok_status();
  });
}

Status read_spec(const dcf_tensor_spec* spec, TensorSpec* out) {
  if (spec == nullptr) return invalid("the tensor spec is NULL");
  dcf_tensor_spec s{};
  DCF_TRY(dcf::impl::copy_in(spec, &s));
  if ((s.name == nullptr && s.name_size != 0) || (s.dims == nullptr && s.rank != 0))
    return invalid("an argument is NULL");
  out->name = std::string_view(s.name == nullptr ? "" : s.name, s.name_size);
  out->dtype = static_cast<dcf::impl::DType>(s.dtype);
  out->opaque_bits = s.opaque_bits;
  if (s.opaque_name != nullptr) out->opaque_name = s.opaque_name;
  out->dims = {s.dims, s.rank};
  return ok_status();
}

Status read_options(const dcf_encode_options* options, EncodeOptions* out) {
  dcf_encode_options o;
  dcf_encode_options_init(&o);
  DCF_TRY(dcf::impl::copy_in(options, &o));
  const auto init = dcf::impl::number_in(o.init);
  const auto positions = dcf::impl::number_in(o.positions);
  if (init > DCF_INIT_OPTIMAL) return invalid("the initialisation is unknown");
  if (positions > DCF_CHOOSE_GAP_BUCKET) return invalid("the positions are unknown");
  out->sparsity = o.sparsity;
  out->bits = o.bits;
  out->init = static_cast<dcf::impl::ClusterInit>(init);
  out->seed = o.seed;
  if (positions != DCF_CHOOSE_AUTO) {
    out->positions = static_cast<dcf::impl::Positions>(positions - DCF_CHOOSE_DENSE);
  }
  out->gap_bits = o.gap_bits;
  out->canonical_zeros = o.canonical_zeros != 0;
  return ok_status();
}

template <typename Data>
dcf_status add(dcf_writer* writer, const dcf_tensor_spec* spec, const Data& data,
               const dcf_encode_options* options, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    if (writer == nullptr) return invalid("the writer is NULL");
    TensorInput input;
    DCF_TRY(read_spec(spec, &input.spec));
    input.data = data;
    EncodeOptions encode;
    DCF_TRY(read_options(options, &encode));
    return writer->writer->add(input, encode);
  });
}

}  // namespace

void dcf_encode_options_init(dcf_encode_options* options) {
  if (options == nullptr) return;
  *options = dcf_encode_options{};
  options->struct_size = sizeof *options;
}

void dcf_writer_options_init(dcf_writer_options* options) {
  if (options == nullptr) return;
  *options = dcf_writer_options{};
  options->struct_size = sizeof *options;
  options->max_memory = dcf::impl::WriterOptions{}.max_memory;
}

dcf_status dcf_writer_open_path(const char* path, const dcf_writer_options* options,
                                dcf_writer** out, dcf_error* error) {
  return open_writer(options, out, error,
                     [&](const dcf_writer_options& o, dcf_writer* writer) -> Status {
                       if (path == nullptr) return invalid("the path is NULL");
                       DCF_ASSIGN(writer->file, AtomicFile::create(path, o.overwrite != 0));
                       return ok_status();
                     });
}

dcf_status dcf_writer_open_sink(const dcf_sink* sink, const dcf_writer_options* options,
                                dcf_writer** out, dcf_error* error) {
  return open_writer(
      options, out, error, [&](const dcf_writer_options&, dcf_writer* writer) -> Status {
        if (sink == nullptr || sink->write == nullptr) return invalid("the sink is NULL");
        writer->callback = std::make_unique<dcf::impl::CallbackSink>(sink->write, sink->ctx);
        return ok_status();
      });
}

dcf_status dcf_writer_add_dense(dcf_writer* writer, const dcf_tensor_spec* spec, const void* data,
                                size_t size, const dcf_encode_options* options, dcf_error* error) {
  if (data == nullptr && size != 0) return report(invalid("the data is NULL"), error);
  const dcf::impl::DenseData dense{{static_cast<const uint8_t*>(data), size}};
  return add(writer, spec, dense, options, error);
}

dcf_status dcf_writer_add_csr(dcf_writer* writer, const dcf_tensor_spec* spec,
                              const uint64_t* row_ptr, const uint32_t* col, const void* values,
                              const dcf_encode_options* options, dcf_error* error) {
  const dcf::impl::CsrData csr{row_ptr, col, static_cast<const uint8_t*>(values)};
  return add(writer, spec, csr, options, error);
}

dcf_status dcf_writer_add_codes(dcf_writer* writer, const dcf_tensor_spec* spec,
                                const uint64_t* row_ptr, const uint32_t* col, const uint8_t* codes,
                                const void* codebook, uint32_t codebook_size,
                                const dcf_encode_options* options, dcf_error* error) {
  const dcf::impl::CodesData data{row_ptr, col, codes, static_cast<const uint8_t*>(codebook),
                                  codebook_size};
  return add(writer, spec, data, options, error);
}

dcf_status dcf_writer_add_metadata(dcf_writer* writer, const char* key, size_t key_size,
                                   const char* value, size_t value_size, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    if (writer == nullptr || (key == nullptr && key_size != 0) ||
        (value == nullptr && value_size != 0)) {
      return invalid("an argument is NULL");
    }
    return writer->writer->add_metadata({key, key_size}, {value, value_size});
  });
}

dcf_status dcf_writer_finish(dcf_writer* writer, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    if (writer == nullptr) return invalid("the writer is NULL");
    if (writer->callback != nullptr) return writer->writer->finish(*writer->callback);
    DCF_TRY(writer->writer->finish(*writer->file));
    return writer->file->commit();
  });
}

void dcf_writer_close(dcf_writer* writer) {
  delete writer;
}
