// SPDX-License-Identifier: Apache-2.0
#include "formats/npz_source.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "formats/beneath.h"
#include "formats/foreign_files.h"
#include "formats/json.h"
#include "formats/npz_array.h"
#include "formats/npz_extra.h"
#include "formats/scipy_csr.h"
#include "formats/text.h"
#include "formats/zip_directory.h"

namespace dcf::tools {
namespace {

class NpzSource : public ModelSource {
 public:
  NpzSource(InputFile file, const MemoryLimit& limit)
      : ModelSource(file.path(), limit), file_(std::move(file)) {
    format_ = "npz";
    file_bytes_ = file_.size();
    std::vector<ZipEntry> entries = read_zip_directory(file_, limit_);
    check_names(entries);
    std::vector<uint8_t> extra;
    uint64_t held_bytes = 0;
    for (ZipEntry& entry : entries) {
      if (!is_npz_array(entry.name)) {
        if (!entry.name.ends_with('/')) others_.push_back(quote(entry.name) + " is no array");
        continue;
      }
      NpzArray array = read_npz_array(file_, std::move(entry));
      if (array.header.meta.name == kNpzExtraName && extra.empty()) {
        extra = read_extra(array);
        continue;
      }
      if (!can_be_tensor(array)) continue;
      array.header.type.clear();  // it may be long, and is not needed any more
      const TensorMeta& meta = array.header.meta;
      held_bytes += sizeof(NpzArray) + sizeof(TensorMeta) + 3 * meta.name.size() +
                    2 * (meta.opaque_name.size() + meta.dims.size() * sizeof(uint64_t));
      limit_.check(path_, "the headers of its arrays", held_bytes);
      arrays_.push_back(std::move(array));
    }
    csr_ = ScipyCsr::find(file_, arrays_, limit_);
    if (csr_) {
      tensors_.push_back(csr_->meta());
      tensors_.back().name = std::filesystem::path(path_).stem().string();
      check_meta(path_, tensors_.back());
    } else {
      for (const NpzArray& array : arrays_) tensors_.push_back(array.header.meta);
    }
    check_tensor_list(path_, tensors_);
    if (!extra.empty()) apply_npz_extra(path_, extra, limit_, &tensors_, &metadata_);
    describe_file();
  }

  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    return csr_ ? csr_->open() : open_npz_array(file_, arrays_.at(i), limit_);
  }

  void with_file(size_t /*i*/, const UseFile& use) const override { use(file_); }

 private:
  void check_names(const std::vector<ZipEntry>& entries) const {
    std::vector<std::string_view> names;
    names.reserve(entries.size());
    for (const ZipEntry& entry : entries) names.push_back(entry.name);
    refuse_foreign_zip(path_, names);
    if (!names.empty() && std::none_of(names.begin(), names.end(), is_npz_array)) {
      throw_invalid(path_, "is a zip archive but no npz: it holds no array (.npy)");
    }
  }

  bool can_be_tensor(const NpzArray& array) {
    const std::string what = "array " + quote(array.header.meta.name);
    if (array.header.has_data()) {
      check_meta(path_, array.header.meta);
      return true;
    }
    no_tensors_.push_back(array.header.element.kind == NpyType::Kind::kObjects
                              ? what + " holds Python objects, which are never opened here"
                              : what + " has the NumPy dtype " + quote(array.header.type) +
                                    ", which is not supported");
    return false;
  }

  // Of the first array that does not lie in the file as its tensor is.
  std::string why_moved() const {
    for (const NpzArray& array : arrays_) {
      const std::string what = "array " + quote(array.header.meta.name);
      if (array.entry.deflated) return what + " is compressed";
      if (!array.header.in_place())
        return "the elements of " + what + " " + array.header.out_of_place();
    }
    return {};
  }

  // Without a layout what is no tensor does not come back.
  void describe_file() {
    const bool in_place = std::all_of(arrays_.begin(), arrays_.end(), [](const NpzArray& array) {
      return array.header.in_place() && !array.entry.deflated;
    });
    if (csr_ || !in_place) {
      why_no_layout_ = csr_ ? "it is a sparse matrix, of which one tensor is made" : why_moved();
      for (std::string& other : others_) notes_.push_back("left out: " + std::move(other));
      for (std::string& array : no_tensors_) notes_.push_back("left out: " + std::move(array));
    } else {
      for (std::string& array : no_tensors_) {
        notes_.push_back(std::move(array) + "; it comes back with the file only");
      }
      layout_.emplace("npz");
      layout_->begin_file(portable_file_name(path_, "model.npz"), file_.size());
      for (size_t i = 0; i < arrays_.size(); ++i) {
        layout_->tensor_at(arrays_[i].entry.data_offset + arrays_[i].header.header_bytes, i,
                           tensors_[i].bytes());
      }
      layout_->end_file();
    }
    others_.clear();
    no_tensors_.clear();
  }

  std::vector<uint8_t> read_extra(const NpzArray& array) const {
    const TensorMeta& meta = array.header.meta;
    if (meta.dtype != DCF_DTYPE_U8 || meta.dims.size() != 1 || meta.dims[0] == 0) {
      throw_invalid(file_.path(), quote(kNpzExtraName) + " is no row of bytes");
    }
    if (meta.dims[0] > kMaxJsonBytes) throw_invalid(file_.path(), "has too much metadata");
    std::vector<uint8_t> text = limit_.buffer(path_, quote(kNpzExtraName), meta.dims[0]);
    open_npz_array(file_, array, limit_)->read(text);
    return text;
  }

  InputFile file_;
  std::vector<NpzArray> arrays_;  // one per tensor, unless there is csr_
  std::optional<ScipyCsr> csr_;   // of arrays_
  // What is no array, and the arrays that are no tensors, with the reason; while the file is
  // opened.
  std::vector<std::string> others_;
  std::vector<std::string> no_tensors_;
};

}  // namespace

std::unique_ptr<ModelSource> open_npz_model(InputFile file, const MemoryLimit& limit) {
  return std::make_unique<NpzSource>(std::move(file), limit);
}

}  // namespace dcf::tools
