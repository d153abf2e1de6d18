// SPDX-License-Identifier: Apache-2.0
#include "formats/npz_array.h"

#include <string_view>
#include <utility>
#include <vector>

#include "formats/npy_order.h"
#include "formats/text.h"
#include "formats/zip_reader.h"

namespace dcf::tools {
namespace {

constexpr std::string_view kArraySuffix = ".npy";

class ArrayData final : public TensorReader {
 public:
  ArrayData(const InputFile& file, const NpzArray& array) : reader_(file, array.entry) {
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

}  // namespace

bool is_npz_array(std::string_view name) {
  // What macOS keeps of a file beside it has the file's name.
  const std::string_view last = name.substr(name.rfind('/') + 1);
  return name.ends_with(kArraySuffix) && !name.starts_with("__MACOSX/") && !last.starts_with("._");
}

NpzArray read_npz_array(const InputFile& file, ZipEntry entry) {
  NpzArray array{.entry = std::move(entry), .header = {}};
  const std::string& name = array.entry.name;
  ZipEntryReader reader(file, array.entry);
  array.header = read_npy_header(file.path() + ": array " + quote(name), array.entry.bytes,
                                 [&](std::span<uint8_t> out) { reader.read(out); });
  array.header.meta.name = name.substr(0, name.size() - kArraySuffix.size());
  return array;
}

std::unique_ptr<TensorReader> open_npz_array(const InputFile& file, const NpzArray& array,
                                             const MemoryLimit& limit) {
  return npy_to_row_major(file.path(), array.header, std::make_unique<ArrayData>(file, array),
                          limit);
}

}  // namespace dcf::tools
