// SPDX-License-Identifier: Apache-2.0
// One .npy file: a model with a single tensor, named after the file.
#include <filesystem>
#include <utility>

#include "formats/file_sources.h"
#include "formats/npy_header.h"

namespace dcf::tools {
namespace {

class NpySource : public ModelSource {
 public:
  explicit NpySource(InputFile file) : file_(std::move(file)) {
    file_bytes_ = file_.size();
    uint64_t position = 0;
    header_ = read_npy_header(file_.path(), file_.size(), [&](std::span<uint8_t> out) {
      file_.read_at(position, out);
      position += out.size();
    });
    TensorMeta meta = header_.meta;
    meta.name = std::filesystem::path(file_.path()).stem().string();
    check_meta(file_.path(), meta);
    tensors_.push_back(std::move(meta));
  }

  std::vector<uint8_t> read(size_t i) const override {
    return npy_to_row_major(header_,
                            file_.read_range(header_.header_bytes, tensors_.at(i).bytes()));
  }

 private:
  InputFile file_;
  NpyHeader header_;
};

}  // namespace

std::unique_ptr<ModelSource> open_npy_model(InputFile file) {
  return std::make_unique<NpySource>(std::move(file));
}

}  // namespace dcf::tools
