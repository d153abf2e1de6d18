// SPDX-License-Identifier: Apache-2.0
// dcf.h: ancillary sections.
#include "api/file.h"
#include "base/hash.h"

using dcf::impl::Code;
using dcf::impl::fail;
using dcf::impl::invalid;
using dcf::impl::ok_status;
using dcf::impl::Status;
using dcf::impl::api::clear_out;
using dcf::impl::api::guarded;
using dcf::impl::format::Section;

namespace {

Status check_section(const dcf_file* file, size_t index) {
  if (file == nullptr) return invalid("the file is NULL");
  if (index >= file->model->manifest()->sections.size())
    return invalid("the section index is out of range");
  return ok_status();
}

}  // namespace

size_t dcf_section_count(const dcf_file* file) {
  return file == nullptr ? 0 : file->model->manifest()->sections.size();
}

dcf_status dcf_section_describe(const dcf_file* file, size_t index, dcf_section_info* out,
                                dcf_error* error) {
  clear_out(out);
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_section(file, index));
    const Section& section = file->model->manifest()->sections[index];
    dcf_section_info info = DCF_SECTION_INFO_INIT;
    info.kind = section.kind;
    info.critical = section.critical ? 1 : 0;
    info.bytes = section.bytes;
    info.offset = file->model->layout().section_offsets[index];
    return dcf::impl::api::copy_out(info, out);
  });
}

dcf_status dcf_section_read(const dcf_file* file, size_t index, void* dst, size_t dst_size,
                            dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_section(file, index));
    const Section& section = file->model->manifest()->sections[index];
    const uint64_t offset = file->model->layout().section_offsets[index];
    if (dst == nullptr && section.bytes != 0) return invalid("the output is NULL");
    if (dst_size < section.bytes)
      return fail(Code::BufferTooSmall, "", "the output buffer is too small");
    const dcf::impl::MutableBytes bytes(static_cast<uint8_t*>(dst), section.bytes);
    DCF_TRY(file->model->source().read_at(offset, bytes));
    if (dcf::impl::hash_bytes(bytes) != section.hash) {
      return fail(Code::ChecksumMismatch, "A-03", "the checksum of a section does not match")
          .at(offset);
    }
    return ok_status();
  });
}
