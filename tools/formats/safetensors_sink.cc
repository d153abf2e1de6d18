// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors_sink.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "formats/dtype_table.h"
#include "formats/json.h"
#include "formats/json_text.h"
#include "formats/le_bytes.h"
#include "formats/safetensors_text.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

void check_tensor(const std::string& file, const TensorMeta& meta) {
  const std::string what = "safetensors cannot hold tensor " + quote(meta.name);
  if (meta.name == kSafetensorsMetadata) throw_failure(file, what + ": the name is reserved");
  if (find_dtype(meta.dtype) == nullptr) {
    throw_failure(file, what + " of the dtype " + quote(meta.opaque_name) + "; write npz instead");
  }
  if (checked_bits(meta.dims, meta.bits).value_or(0) % 8 != 0) {
    throw_failure(file, what + ", which does not fill whole bytes");
  }
}

class SafetensorsSink : public ModelSink {
 public:
  SafetensorsSink(std::unique_ptr<OutputFile> file, std::vector<TensorMeta> tensors,
                  const std::map<std::string, std::string>& metadata)
      : ModelSink(std::move(tensors)), file_(std::move(file)) {
    for (const TensorMeta& meta : tensors_) check_tensor(file_->path(), meta);
    order_.resize(tensors_.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::sort(order_.begin(), order_.end(), [this](size_t a, size_t b) {
      const int rank_a = find_dtype(tensors_[a].dtype)->rank;
      const int rank_b = find_dtype(tensors_[b].dtype)->rank;
      return std::tie(rank_b, tensors_[a].name) < std::tie(rank_a, tensors_[b].name);
    });
    write_header(metadata);
  }

 protected:
  void start_entry(const TensorMeta& /*meta*/) override {}
  void write_data(std::span<const uint8_t> bytes) override { file_->write(bytes); }
  void end_entry() override {}
  void close() override { file_->commit(); }

 private:
  void write_header(const std::map<std::string, std::string>& metadata) {
    std::string text = "{";
    if (!metadata.empty()) {
      check_utf8(metadata);
      append_json_string(&text, kSafetensorsMetadata);
      text += ':';
      append_json_strings(&text, metadata);
    }
    SafetensorsText described;
    for (const size_t i : order_) {
      const TensorMeta& meta = tensors_[i];
      if (!described.add(meta.name, meta.dtype, meta.dims, meta.bytes())) {
        throw_invalid(file_->path(), "the sizes of all tensors together do not fit into 64 bits");
      }
    }
    if (text.size() > 1 && !described.text().empty()) text += ',';
    text += described.text();
    text += '}';
    text.resize(
        (text.size() + kSafetensorsAlignment - 1) / kSafetensorsAlignment * kSafetensorsAlignment,
        ' ');
    if (text.size() > kMaxJsonBytes) {
      throw_failure(file_->path(), "safetensors cannot hold a header of " +
                                       std::to_string(text.size()) + " bytes; write npz instead");
    }
    std::vector<uint8_t> size_field;
    append_le(&size_field, uint64_t{text.size()});
    file_->write(size_field);
    file_->write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }

  void check_utf8(const std::map<std::string, std::string>& metadata) const {
    for (const auto& [key, value] : metadata) {
      if (!is_utf8(key) || !is_utf8(value)) {
        throw_failure(file_->path(), "safetensors cannot hold the metadata " + quote(key) +
                                         ", which is not UTF-8");
      }
    }
  }

  std::unique_ptr<OutputFile> file_;
};

}  // namespace

std::unique_ptr<ModelSink> create_safetensors_sink(
    std::unique_ptr<OutputFile> file, std::vector<TensorMeta> tensors,
    const std::map<std::string, std::string>& metadata) {
  return std::make_unique<SafetensorsSink>(std::move(file), std::move(tensors), metadata);
}

}  // namespace dcf::tools
