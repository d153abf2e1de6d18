// SPDX-License-Identifier: Apache-2.0
#include "formats/dcf_source.h"

#include <algorithm>
#include <span>

#include "formats/dcf_file.h"
#include "formats/dcf_rows.h"

namespace dcf::tools {
namespace {

// Of kinds whose meaning is not defined yet: they may depend on the rest of the file, and the
// writer takes none.
bool is_reserved(uint32_t kind) {
  return kind >= 1 && kind <= 4;
}

// Whole rows are decoded at a time, a block of them where the tensor is large.
class DcfTensorReader final : public TensorReader {
 public:
  DcfTensorReader(const DcfFile& file, size_t tensor) : rows_(file, tensor) {}

  void read(std::span<uint8_t> out) override {
    do {  // also once for an empty tensor, whose coding is checked like any other
      if (block_.empty()) block_ = rows_.next();
      const size_t size = std::min(out.size(), block_.size());
      std::copy_n(block_.begin(), size, out.begin());
      block_ = block_.subspan(size);
      out = out.subspan(size);
    } while (!out.empty());
  }

 private:
  DcfRows rows_;
  std::span<const uint8_t> block_;  // what is left of it
};

class DcfSource final : public ModelSource {
 public:
  DcfSource(const std::string& path, const OpenHints& hints)
      : ModelSource(path, MemoryLimit(hints.max_memory)), file_(path, hints) {
    tensors_.reserve(file_.tensor_count());
    for (size_t i = 0; i < file_.tensor_count(); ++i) tensors_.push_back(file_.meta(i));
    metadata_ = file_.metadata();
    format_ = "dcf";
    file_bytes_ = file_.info().file_bytes;
  }

  const DcfFile& file() const { return file_; }

  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    return std::make_unique<DcfTensorReader>(file_, i);
  }

  std::vector<Section> sections() const override {
    std::vector<Section> sections;
    for (size_t i = 0; i < file_.opened().sections(); ++i) {
      const uint32_t kind = file_.take(file_.opened().section(i)).kind;
      if (!is_reserved(kind)) sections.push_back({.kind = kind, .bytes = *file_.section(kind)});
    }
    return sections;
  }

 private:
  DcfFile file_;
};

}  // namespace

std::unique_ptr<TensorReader> read_dcf_tensor(const DcfFile& file, size_t tensor) {
  return std::make_unique<DcfTensorReader>(file, tensor);
}

std::unique_ptr<ModelSource> open_dcf_model(const std::string& path, const OpenHints& hints) {
  return std::make_unique<DcfSource>(path, hints);
}

const DcfFile* dcf_file_of(const ModelSource& source) {
  const auto* const dcf = dynamic_cast<const DcfSource*>(&source);
  return dcf == nullptr ? nullptr : &dcf->file();
}

}  // namespace dcf::tools
