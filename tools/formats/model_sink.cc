// SPDX-License-Identifier: Apache-2.0
#include "formats/model_sink.h"

#include <stdexcept>
#include <utility>

#include "formats/npy_sink.h"
#include "formats/npz_sink.h"
#include "formats/safetensors_sink.h"

namespace dcf::tools {

void ModelSink::begin_tensor(const TensorMeta& meta) {
  if (open_) end_tensor();
  if (next_ == order_.size() || tensors_[order_[next_]] != meta) {
    throw std::logic_error("ModelSink: tensor out of order");
  }
  missing_bytes_ = meta.bytes();
  open_ = true;
  start_entry(meta);
}

void ModelSink::append(std::span<const uint8_t> bytes) {
  if (!open_ || bytes.size() > missing_bytes_) {
    throw std::logic_error("ModelSink: more bytes than the tensor has");
  }
  missing_bytes_ -= bytes.size();
  write_data(bytes);
}

void ModelSink::add(const TensorMeta& meta, std::span<const uint8_t> bytes) {
  begin_tensor(meta);
  append(bytes);
}

void ModelSink::end_tensor() {
  if (missing_bytes_ != 0) throw std::logic_error("ModelSink: fewer bytes than the tensor has");
  end_entry();
  open_ = false;
  ++next_;
}

void ModelSink::finish() {
  if (open_) end_tensor();
  if (next_ != order_.size()) throw std::logic_error("ModelSink: tensors are missing");
  close();
}

std::unique_ptr<ModelSink> create_model_sink(std::unique_ptr<OutputFile> file, SinkFormat format,
                                             std::vector<TensorMeta> tensors,
                                             const std::map<std::string, std::string>& metadata) {
  for (const TensorMeta& tensor : tensors) check_meta(file->path(), tensor);
  check_tensor_list(file->path(), tensors);
  switch (format) {
    case SinkFormat::kSafetensors:
      return create_safetensors_sink(std::move(file), std::move(tensors), metadata);
    case SinkFormat::kNpz:
      return create_npz_sink(std::move(file), std::move(tensors), metadata);
    case SinkFormat::kNpy:
      return create_npy_sink(std::move(file), std::move(tensors));
  }
  throw std::logic_error("create_model_sink: unknown format");
}

}  // namespace dcf::tools
