// SPDX-License-Identifier: Apache-2.0
#include "formats/npz_source.h"

#include <string_view>
#include <utility>

#include "formats/json.h"
#include "formats/le_bytes.h"
#include "formats/npy_header.h"
#include "formats/npy_order.h"
#include "formats/npz_extra.h"
#include "formats/text.h"
#include "formats/zip_reader.h"

namespace dcf::tools {
namespace {

constexpr std::string_view kSuffix = ".npy";

struct Array {
  ZipEntry entry;
  NpyHeader header;
};

// What follows the header of an entry. The entry's end is checked with the last byte.
class ArrayData final : public TensorReader {
 public:
  ArrayData(const InputFile& file, const Array& array) : reader_(file, array.entry) {
    std::vector<uint8_t> header(static_cast<size_t>(array.header.header_bytes));
    reader_.read(header);
    left_ = array.entry.bytes - header.size();
  }

  void read(std::span<uint8_t> out) override {
    reader_.read(out);
    left_ -= out.size();
    if (left_ == 0) reader_.finish();
  }

 private:
  ZipEntryReader reader_;
  uint64_t left_;
};

class NpzSource : public ModelSource {
 public:
  NpzSource(InputFile file, const MemoryLimit& limit)
      : ModelSource(file.path(), limit), file_(std::move(file)) {
    file_bytes_ = file_.size();
    std::vector<uint8_t> extra;
    std::vector<ZipEntry> entries = read_zip_directory(file_, limit_);
    for (const ZipEntry& entry : entries) check_entry_name(entry.name);
    for (ZipEntry& entry : entries) {
      Array array{.entry = std::move(entry), .header = {}};
      TensorMeta meta = read_header(&array);
      if (meta.name == kNpzExtraName && extra.empty()) {
        extra = read_extra(array);
        continue;
      }
      tensors_.push_back(std::move(meta));
      arrays_.push_back(std::move(array));
    }
    check_tensor_list(file_.path(), tensors_);
    if (!extra.empty()) apply_npz_extra(file_.path(), extra, limit_, &tensors_, &metadata_);
  }

  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    const Array& array = arrays_.at(i);
    return npy_to_row_major(path_, array.header, std::make_unique<ArrayData>(file_, array), limit_);
  }

 private:
  void check_entry_name(std::string_view name) const {
    if (name == "data.pkl" || name.ends_with("/data.pkl")) {
      throw_failure(file_.path(),
                    "is a PyTorch checkpoint, which holds a pickle that is never executed here; "
                    "convert it to safetensors");
    }
    if (!name.ends_with(kSuffix)) {
      throw_invalid(file_.path(),
                    "is a zip archive but no npz: it holds " + quote(name) + ", which is no .npy");
    }
  }

  TensorMeta read_header(Array* array) const {
    const std::string& entry_name = array->entry.name;
    const std::string where = file_.path() + ": array " + quote(entry_name);
    ZipEntryReader reader(file_, array->entry);
    array->header = read_npy_header(where, array->entry.bytes,
                                    [&](std::span<uint8_t> out) { reader.read(out); });
    TensorMeta meta = array->header.meta;
    meta.name = entry_name.substr(0, entry_name.size() - kSuffix.size());
    check_meta(file_.path(), meta);
    return meta;
  }

  std::vector<uint8_t> read_extra(const Array& array) const {
    const TensorMeta& meta = array.header.meta;
    if (meta.dtype != DCF_DTYPE_U8 || meta.dims.size() != 1 || meta.dims[0] == 0) {
      throw_invalid(file_.path(), quote(kNpzExtraName) + " is no row of bytes");
    }
    if (meta.dims[0] > kMaxJsonBytes) throw_invalid(file_.path(), "has too much metadata");
    std::vector<uint8_t> text = limit_.buffer(path_, quote(kNpzExtraName), meta.dims[0]);
    ArrayData(file_, array).read(text);
    return text;
  }

  InputFile file_;
  std::vector<Array> arrays_;  // one per tensor
};

}  // namespace

std::unique_ptr<ModelSource> open_npz_model(InputFile file, const MemoryLimit& limit) {
  return std::make_unique<NpzSource>(std::move(file), limit);
}

}  // namespace dcf::tools
