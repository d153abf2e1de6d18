// SPDX-License-Identifier: Apache-2.0
#include "formats/file_range.h"

namespace dcf::tools {
namespace {

class FileRange final : public TensorReader {
 public:
  FileRange(const InputFile& file, uint64_t offset) : file_(file), offset_(offset) {}

  void read(std::span<uint8_t> out) override {
    file_.read_at(offset_, out);
    offset_ += out.size();
  }

 private:
  const InputFile& file_;
  uint64_t offset_;
};

}  // namespace

std::unique_ptr<TensorReader> read_file_range(const InputFile& file, uint64_t offset) {
  return std::make_unique<FileRange>(file, offset);
}

}  // namespace dcf::tools
