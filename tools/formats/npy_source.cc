// SPDX-License-Identifier: Apache-2.0
#include "formats/npy_source.h"

#include <filesystem>
#include <utility>

#include "formats/beneath.h"
#include "formats/file_range.h"
#include "formats/npy_header.h"
#include "formats/npy_order.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

class NpySource : public ModelSource {
 public:
  NpySource(InputFile file, const MemoryLimit& limit)
      : ModelSource(file.path(), limit), file_(std::move(file)) {
    format_ = "npy";
    file_bytes_ = file_.size();
    uint64_t position = 0;
    header_ = read_npy_header(file_.path(), file_.size(), [&](std::span<uint8_t> out) {
      file_.read_at(position, out);
      position += out.size();
    });
    if (header_.element.kind == NpyType::Kind::kObjects) {
      throw_failure(path_, "holds Python objects (a pickle), which are never opened here");
    }
    if (!header_.has_data()) {
      throw_failure(path_,
                    "has the NumPy dtype " + quote(header_.type) + ", which is not supported");
    }
    header_.meta.name = std::filesystem::path(path_).stem().string();
    check_meta(path_, header_.meta);
    tensors_.push_back(header_.meta);
    if (header_.in_place()) {
      describe_file();
    } else {
      why_no_layout_ = "its elements " + header_.out_of_place();
    }
  }

  std::unique_ptr<TensorReader> open_tensor(size_t /*i*/) const override {
    return npy_to_row_major(path_, header_, read_file_range(file_, header_.header_bytes), limit_);
  }

  void with_file(size_t /*i*/, const UseFile& use) const override { use(file_); }

 private:
  void describe_file() {
    layout_.emplace("npy");
    layout_->begin_file(portable_file_name(path_, "model.npy"), file_.size());
    layout_->tensor_at(header_.header_bytes, 0, header_.meta.bytes());
    layout_->end_file();
  }

  InputFile file_;
  NpyHeader header_;
};

}  // namespace

std::unique_ptr<ModelSource> open_npy_model(InputFile file, const MemoryLimit& limit) {
  return std::make_unique<NpySource>(std::move(file), limit);
}

}  // namespace dcf::tools
