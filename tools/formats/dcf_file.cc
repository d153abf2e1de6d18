// SPDX-License-Identifier: Apache-2.0
#include "formats/dcf_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include "formats/memory_limit.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

[[noreturn]] void throw_over_memory(const std::string& sentence) {
  throw DcfError({.status = DCF_STATUS_LIMIT_MEMORY, .sentence = sentence});
}

std::vector<uint8_t> read_stdin(uint64_t limit) {
  constexpr size_t kStep = size_t{1} << 20;
  std::vector<uint8_t> bytes;
  size_t used = 0;
  while (true) {
    bytes.resize(used + kStep);
    const ssize_t got = ::read(STDIN_FILENO, bytes.data() + used, kStep);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw_failure("standard input", "cannot be read: " + std::generic_category().message(errno));
    }
    used += static_cast<size_t>(got);
    if (used > limit) {
      throw_over_memory("standard input: holds more than the memory limit of " +
                        std::to_string(limit) + " bytes (-M)");
    }
    if (got == 0) break;
  }
  bytes.resize(used);
  return bytes;
}

// Where the file does not begin as a .dcf file does: says what it is, if it is a model.
void refuse_other_format(const std::string& path, const dcf_error& error, const OpenHints& hints) {
  DcfFailure failure = make_failure(path, error.status, error);
  if (failure.rule != "H-01") return;
  try {
    failure.sentence += "; it is a model of the format " + quote(open_model(path, hints)->format());
  } catch (const Error&) {
    return;
  }
  throw DcfError(std::move(failure));
}

}  // namespace

DcfFile::DcfFile(std::string path, const OpenHints& hints) : path_(std::move(path)) {
  dcf_open_options options = dcf::open_options();
  if (hints.max_memory != 0) options.max_memory = hints.max_memory;
  options.threads = hints.threads;
  max_memory_ = options.max_memory;
  told_memory_ = max_memory_ * hints.sharing;
  threads_ = hints.threads != 0 ? hints.threads : std::max(1u, std::thread::hardware_concurrency());

  const auto open = [&] {
    if (path_ != "-") return dcf::File::open(path_, options);
    path_ = "standard input";
    stdin_bytes_ = read_stdin(max_memory_);
    return dcf::File::open(std::span<const uint8_t>(stdin_bytes_), options);
  };
  dcf::Result<dcf::File> opened = open();
  if (!opened) refuse_other_format(path_, opened.error(), hints);
  file_.emplace(take(std::move(opened)));
}

void DcfFile::check(dcf_status status, const dcf_error& error) const {
  if (status != DCF_OK) {
    throw_dcf_error(path_, status, error, handle(), MemoryLimit(told_memory_));
  }
}

dcf_tensor_info DcfFile::tensor(size_t i) const {
  return take(file_->tensor(i)).info();
}

TensorMeta DcfFile::meta(size_t i) const {
  const dcf_tensor_info info = tensor(i);
  TensorMeta meta;
  meta.name.assign(info.name, info.name_size);
  meta.dtype = info.dtype;
  meta.bits = info.dtype_bits;
  meta.opaque_name = dcf_tensor_opaque_name(handle(), i);
  meta.dims.assign(info.dims, info.dims + info.rank);
  return meta;
}

dcf_tensor_bytes DcfFile::measure(size_t i) const {
  return take(take(file_->tensor(i)).measure());
}

void DcfFile::each_metadata(const SeePair& see) const {
  for (size_t i = 0; i < file_->metadata_count(); ++i) {
    const dcf::Metadata pair = take(file_->metadata(i));
    see(pair.key, pair.value);
  }
}

std::map<std::string, std::string> DcfFile::metadata() const {
  std::map<std::string, std::string> pairs;
  each_metadata([&](std::string_view key, std::string_view value) {
    pairs.emplace_hint(pairs.end(), key, value);
  });
  return pairs;
}

std::optional<std::vector<uint8_t>> DcfFile::section(uint32_t kind) const {
  for (size_t i = 0; i < file_->sections(); ++i) {
    const dcf_section_info info = take(file_->section(i));
    if (info.kind != kind) continue;
    std::vector<uint8_t> bytes =
        MemoryLimit(max_memory_)
            .buffer(path_, "the section of kind " + std::to_string(kind), info.bytes);
    dcf_error error = DCF_ERROR_INIT;
    check(dcf_section_read(handle(), i, bytes.data(), bytes.size(), &error), error);
    return bytes;
  }
  return std::nullopt;
}

std::vector<uint8_t> DcfFile::buffer_for(size_t tensor_index, uint64_t bytes) const {
  return MemoryLimit(max_memory_)
      .buffer(path_, "decoding " + quote(meta(tensor_index).name), bytes);
}

std::vector<uint8_t> DcfFile::decode(size_t i) const {
  const dcf::Tensor tensor = take(file_->tensor(i));
  std::vector<uint8_t> bytes = buffer_for(i, tensor.info().dense_bytes);
  const dcf::Status status = tensor.decode_to(bytes.data(), bytes.size());
  check(status.status(), status.error());
  return bytes;
}

}  // namespace dcf::tools
