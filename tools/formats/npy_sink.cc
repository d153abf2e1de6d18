// SPDX-License-Identifier: Apache-2.0
#include "formats/npy_sink.h"

#include <utility>

#include "formats/npy_header.h"

namespace dcf::tools {
namespace {

class NpySink final : public ModelSink {
 public:
  NpySink(std::unique_ptr<OutputFile> file, std::vector<TensorMeta> tensors)
      : ModelSink(std::move(tensors)), file_(std::move(file)) {
    if (tensors_.size() != 1) {
      throw_failure(file_->path(), "cannot hold " + std::to_string(tensors_.size()) +
                                       " tensors: npy holds one; write npz instead");
    }
    order_ = {0};
  }

 protected:
  void start_entry(const TensorMeta& meta) override { file_->write(make_npy_header(meta)); }
  void write_data(std::span<const uint8_t> bytes) override { file_->write(bytes); }
  void end_entry() override {}
  void close() override { file_->commit(); }

 private:
  std::unique_ptr<OutputFile> file_;
};

}  // namespace

std::unique_ptr<ModelSink> create_npy_sink(std::unique_ptr<OutputFile> file,
                                           std::vector<TensorMeta> tensors) {
  return std::make_unique<NpySink>(std::move(file), std::move(tensors));
}

}  // namespace dcf::tools
