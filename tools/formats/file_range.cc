// SPDX-License-Identifier: Apache-2.0
#include "formats/file_range.h"

#include <utility>

namespace dcf::tools {
namespace {

// `File` is a file, or a reference to one.
template <typename File>
class FileRange final : public TensorReader {
 public:
  FileRange(File&& file, uint64_t offset) : file_(std::forward<File>(file)), offset_(offset) {}

  void read(std::span<uint8_t> out) override {
    file_.read_at(offset_, out);
    offset_ += out.size();
  }

 private:
  File file_;
  uint64_t offset_;
};

}  // namespace

std::unique_ptr<TensorReader> read_file_range(const InputFile& file, uint64_t offset) {
  return std::make_unique<FileRange<const InputFile&>>(file, offset);
}

std::unique_ptr<TensorReader> read_file_range(InputFile&& file, uint64_t offset) {
  return std::make_unique<FileRange<InputFile>>(std::move(file), offset);
}

}  // namespace dcf::tools
