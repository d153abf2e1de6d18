// SPDX-License-Identifier: Apache-2.0
#include "formats/ctranslate2_source.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "formats/beneath.h"
#include "formats/file_cursor.h"
#include "formats/file_range.h"
#include "formats/le_bytes.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr uint32_t kFirstVersion = 2;  // before, a file did not say what it is
constexpr uint32_t kLastVersion = 6;
constexpr uint32_t kAliasVersion = 3;  // from here on, there are aliases
constexpr uint32_t kTypeVersion = 4;   // from here on, types are numbers, not widths

// By the number in the file.
constexpr dcf_dtype kTypes[] = {DCF_DTYPE_F32, DCF_DTYPE_I8,  DCF_DTYPE_I16,
                                DCF_DTYPE_I32, DCF_DTYPE_F16, DCF_DTYPE_BF16};

// A u16 size that counts the NUL at the end, then as many bytes.
std::string read_text(const InputFile& file, FileCursor* cursor) {
  std::string text = cursor->text(cursor->number<uint16_t>());
  if (text.empty() || text.find('\0') != text.size() - 1) {
    throw_invalid(file.path(), "is no CTranslate2 model: a name has no end");
  }
  text.pop_back();
  return text;
}

class Ctranslate2Source : public ModelSource {
 public:
  Ctranslate2Source(InputFile file, const MemoryLimit& limit)
      : ModelSource(file.path(), limit), file_(std::move(file)) {
    file_bytes_ = file_.size();
    FileCursor cursor(file_, "the list of variables of a CTranslate2 model");
    const auto version = cursor.number<uint32_t>();
    if (version < kFirstVersion || version > kLastVersion) {
      throw_failure(path_, "is a CTranslate2 model of version " + std::to_string(version) +
                               ", which is not supported");
    }
    metadata_["ctranslate2.version"] = std::to_string(version);
    add_metadata("ctranslate2.spec", read_text(file_, &cursor));
    metadata_["ctranslate2.revision"] = std::to_string(cursor.number<uint32_t>());
    for (auto count = cursor.number<uint32_t>(); count > 0; --count) {
      read_variable(version, &cursor);
    }
    check_tensor_list(path_, tensors_);
    if (version >= kAliasVersion) {
      for (auto count = cursor.number<uint32_t>(); count > 0; --count) read_alias(&cursor);
    }
    if (cursor.left() > 0) {
      throw_invalid(path_, "has " + std::to_string(cursor.left()) + " bytes after its last alias");
    }
    describe_file();
  }

  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    return read_file_range(file_, offsets_.at(i));
  }

  void with_file(size_t /*i*/, const UseFile& use) const override { use(file_); }

 private:
  // Names and texts are in memory twice while lists of them are checked.
  void hold(uint64_t bytes) {
    held_bytes_ += bytes;
    limit_.check(path_, "its list of variables", held_bytes_);
  }

  void add_metadata(const std::string& key, const std::string& value) {
    if (!is_utf8(key) || !is_utf8(value)) {
      throw_invalid(path_, "has the name " + quote(value) + ", which is not UTF-8");
    }
    if (!metadata_.emplace(key, value).second) {
      throw_invalid(path_, "says " + quote(key) + " twice");
    }
  }

  static dcf_dtype type_of(uint32_t version, uint8_t number) {
    if (version >= kTypeVersion) {
      return number < std::size(kTypes) ? kTypes[number] : DCF_DTYPE_NONE;
    }
    switch (number) {
      case 1:
        return DCF_DTYPE_I8;
      case 2:
        return DCF_DTYPE_I16;
      case 4:
        return DCF_DTYPE_F32;
      default:
        return DCF_DTYPE_NONE;
    }
  }

  void read_variable(uint32_t version, FileCursor* cursor) {
    std::string name = read_text(file_, cursor);
    const std::string what = "variable " + quote(name);
    const size_t rank = cursor->number<uint8_t>();
    std::vector<uint64_t> dims;
    for (size_t i = 0; i < rank; ++i) dims.push_back(cursor->number<uint32_t>());
    const auto type = cursor->number<uint8_t>();
    const dcf_dtype dtype = type_of(version, type);
    if (dtype == DCF_DTYPE_NONE) {
      throw_failure(path_,
                    what + " has the type " + std::to_string(type) + ", which is not supported");
    }
    const uint64_t size = cursor->number<uint32_t>();
    const uint64_t bytes = version >= kTypeVersion ? size : size * type;
    hold(2 * sizeof(TensorMeta) + 3 * name.size() + 8 * rank);
    TensorMeta meta = make_meta(path_, std::move(name), dtype, std::move(dims));
    if (meta.bytes() != bytes) {
      throw_invalid(path_, what + " has dims and type for " + std::to_string(meta.bytes()) +
                               " bytes, but " + std::to_string(bytes) + " bytes of data");
    }
    if (bytes > cursor->left()) throw_invalid(path_, what + " is cut off");
    if (meta.name.ends_with("_scale") || meta.name.ends_with("_zero")) {
      scales_.insert(tensors_.size());
    }
    offsets_.push_back(cursor->position());
    tensors_.push_back(std::move(meta));
    cursor->skip(bytes);
  }

  void read_alias(FileCursor* cursor) {
    const std::string alias = read_text(file_, cursor);
    const std::string variable = read_text(file_, cursor);
    hold(2 * (alias.size() + variable.size()) + 256);
    add_metadata("ctranslate2.alias." + alias, variable);
  }

  void describe_file() {
    layout_.emplace("ctranslate2");
    layout_->begin_file(portable_file_name(path_, "model.bin"), file_.size());
    for (size_t i = 0; i < tensors_.size(); ++i) {
      layout_->tensor_at(offsets_[i], i, tensors_[i].bytes());
    }
    layout_->end_file();
  }

  InputFile file_;
  std::vector<uint64_t> offsets_;  // in the file, one per tensor
  uint64_t held_bytes_ = 0;
};

bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

bool is_ctranslate2(std::string_view head) {
  constexpr size_t kTextAt = 6;
  constexpr uint32_t kMostVersion = 99;  // newer ones are told from no model at all
  if (head.size() < kTextAt) return false;
  const auto* const bytes = reinterpret_cast<const uint8_t*>(head.data());
  const auto version = load_le<uint32_t>(bytes);
  const size_t size = load_le<uint16_t>(bytes + 4);
  if (version < kFirstVersion || version > kMostVersion) return false;
  if (size < 2 || size > head.size() - kTextAt) return false;
  return head[kTextAt + size - 1] == '\0' && is_identifier(head.substr(kTextAt, size - 1));
}

std::unique_ptr<ModelSource> open_ctranslate2_model(InputFile file, const MemoryLimit& limit) {
  return std::make_unique<Ctranslate2Source>(std::move(file), limit);
}

}  // namespace dcf::tools
