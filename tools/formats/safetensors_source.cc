// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors_source.h"

#include <utility>

#include "formats/beneath.h"
#include "formats/file_range.h"
#include "formats/safetensors_header.h"

namespace dcf::tools {
namespace {

class SafetensorsSource : public ModelSource {
 public:
  SafetensorsSource(InputFile file, const MemoryLimit& limit)
      : ModelSource(file.path(), limit), file_(std::move(file)) {
    file_bytes_ = file_.size();
    SafetensorsHeader header = read_safetensors_header(file_, limit_);
    tensors_ = std::move(header.tensors);
    metadata_ = std::move(header.metadata);
    offsets_ = std::move(header.offsets);
    describe_file(header);
  }

  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    return open_tensor_at(i, 0);
  }
  std::unique_ptr<TensorReader> open_tensor_at(size_t i, uint64_t offset) const override {
    return read_file_range(file_, offsets_.at(i) + offset);
  }

  void with_file(size_t /*i*/, const UseFile& use) const override { use(file_); }

 private:
  void describe_file(const SafetensorsHeader& header) {
    layout_.emplace("safetensors");
    layout_->begin_file(portable_file_name(path_, "model.safetensors"), file_.size());
    layout_->descriptions_at(header.described_at, header.described_bytes);
    for (size_t i = 0; i < tensors_.size(); ++i) {
      layout_->tensor_at(offsets_[i], i, tensors_[i].bytes());
    }
    layout_->end_file();
  }

  InputFile file_;
  std::vector<uint64_t> offsets_;  // in the file, one per tensor
};

}  // namespace

std::unique_ptr<ModelSource> open_safetensors_model(InputFile file, const MemoryLimit& limit) {
  return std::make_unique<SafetensorsSource>(std::move(file), limit);
}

}  // namespace dcf::tools
