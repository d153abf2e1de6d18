// SPDX-License-Identifier: Apache-2.0
#include "formats/npy_source.h"

#include <filesystem>
#include <utility>

#include "formats/file_range.h"
#include "formats/npy_header.h"
#include "formats/npy_order.h"

namespace dcf::tools {
namespace {

class NpySource : public ModelSource {
 public:
  NpySource(InputFile file, const MemoryLimit& limit)
      : ModelSource(file.path(), limit), file_(std::move(file)) {
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

  std::unique_ptr<TensorReader> open_tensor(size_t /*i*/) const override {
    return npy_to_row_major(path_, header_, read_file_range(file_, header_.header_bytes), limit_);
  }

 private:
  InputFile file_;
  NpyHeader header_;
};

}  // namespace

std::unique_ptr<ModelSource> open_npy_model(InputFile file, const MemoryLimit& limit) {
  return std::make_unique<NpySource>(std::move(file), limit);
}

}  // namespace dcf::tools
