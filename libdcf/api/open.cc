// SPDX-License-Identifier: Apache-2.0
// dcf.h: opening and closing.
#include "api/file.h"
#include "base/cpu.h"

namespace dcf::impl::api {
namespace {

// Zero asks for the default.
void set_limit(uint64_t value, uint64_t* limit) {
  if (value != 0) *limit = value;
}

// make_source() -> Result<std::unique_ptr<Source>>.
template <typename MakeSource>
dcf_status open_with(const dcf_open_options* options, dcf_file** out, dcf_error* error,
                     MakeSource make_source) {
  set_out<dcf_file*>(out, nullptr);
  return guarded(error, [&]() -> Status {
    if (out == nullptr) return invalid("the output is NULL");
    dcf_open_options o;
    dcf_open_options_init(&o);
    DCF_TRY(copy_in(options, &o));
    DCF_TRY(check_kernel_choice());
    Limits limits;
    set_limit(o.max_memory, &limits.max_memory);
    set_limit(o.max_tensors, &limits.max_tensors);
    set_limit(o.max_output, &limits.max_output);
    set_limit(o.max_entries, &limits.max_entries);
    set_limit(o.max_manifest, &limits.max_manifest);
    DCF_ASSIGN(std::unique_ptr<io::Source> source, make_source());
    DCF_ASSIGN(auto model,
               model::Model::open(std::move(source), limits,
                                  Parallel::of_handle(o.threads, o.parallel, o.parallel_ctx)));
    *out = new dcf_file{.model = std::move(model), .progress = {}};
    return ok_status();
  });
}

}  // namespace
}  // namespace dcf::impl::api

using dcf::impl::Result;
using dcf::impl::io::Source;

void dcf_open_options_init(dcf_open_options* options) {
  if (options == nullptr) return;
  const dcf::impl::Limits limits;
  *options = dcf_open_options{};
  options->struct_size = sizeof *options;
  options->max_memory = limits.max_memory;
  options->max_tensors = limits.max_tensors;
  options->max_output = limits.max_output;
  options->max_entries = limits.max_entries;
  options->max_manifest = limits.max_manifest;
}

dcf_status dcf_file_open_path(const char* path, const dcf_open_options* options, dcf_file** out,
                              dcf_error* error) {
  return dcf::impl::api::open_with(options, out, error, [&]() -> Result<std::unique_ptr<Source>> {
    if (path == nullptr) return dcf::impl::invalid("the path is NULL");
    DCF_ASSIGN(std::unique_ptr<Source> source, dcf::impl::io::FileSource::open(path));
    return source;
  });
}

dcf_status dcf_file_open_memory(const void* data, size_t size, const dcf_open_options* options,
                                dcf_file** out, dcf_error* error) {
  return dcf::impl::api::open_with(options, out, error, [&]() -> Result<std::unique_ptr<Source>> {
    if (data == nullptr && size != 0) return dcf::impl::invalid("the data is NULL");
    const dcf::impl::Bytes bytes(static_cast<const uint8_t*>(data), size);
    return std::unique_ptr<Source>(std::make_unique<dcf::impl::io::MemorySource>(bytes));
  });
}

dcf_status dcf_file_open_reader(const dcf_reader* reader, const dcf_open_options* options,
                                dcf_file** out, dcf_error* error) {
  return dcf::impl::api::open_with(options, out, error, [&]() -> Result<std::unique_ptr<Source>> {
    dcf_reader r = DCF_READER_INIT;
    DCF_TRY(dcf::impl::api::copy_in(reader, &r));
    if (r.read_at == nullptr) return dcf::impl::invalid("the reader is NULL");
    return std::unique_ptr<Source>(
        std::make_unique<dcf::impl::io::CallbackSource>(r.read_at, r.ctx, r.size));
  });
}

dcf_status dcf_file_watch(const dcf_file* file, dcf_progress_fn progress, void* progress_ctx,
                          dcf_file** out, dcf_error* error) {
  if (out != nullptr) *out = nullptr;
  return dcf::impl::api::guarded(error, [&]() -> dcf::impl::Status {
    if (file == nullptr || progress == nullptr || out == nullptr)
      return dcf::impl::invalid("an argument is NULL");
    *out = new dcf_file{file->model, file->identity,
                        dcf::impl::api::progress_step(progress, progress_ctx)};
    return dcf::impl::ok_status();
  });
}

void dcf_file_close(dcf_file* file) {
  delete file;
}
