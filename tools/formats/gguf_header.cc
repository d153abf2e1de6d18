// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf_header.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "formats/error.h"
#include "formats/file_cursor.h"
#include "formats/tensor_meta.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr uint64_t kMagicBytes = 4;
constexpr uint32_t kMinVersion = 2;
constexpr uint32_t kMaxVersion = 3;
constexpr uint64_t kMaxDims = 4;
constexpr uint64_t kMaxKeyBytes = 65535;
constexpr unsigned kMaxArrayDepth = 8;
constexpr uint64_t kMaxShownBytes = 256;  // of a text that is kept as metadata
constexpr uint64_t kDefaultAlignment = 32;
// The least bytes of a string, an array, a key with its value, a tensor.
constexpr uint64_t kStringBytes = 8;
constexpr uint64_t kArrayBytes = 4 + 8;
constexpr uint64_t kPairBytes = kStringBytes + 4 + 1;
constexpr uint64_t kGgufTensorBytes = kStringBytes + 4 + 4 + 8;
// Memory for what is kept of a tensor: here, the metadata of up to four parts, names that are
// taken, places in the file and in its layout. Besides, each byte of its name is there so often.
constexpr uint64_t kTensorMemory = 1024;
constexpr uint64_t kGgufNameCopies = 10;
constexpr uint64_t kKeyMemory = 96;

enum ValueType : uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64
};

// Bytes of a value of fixed size; nothing for strings, arrays and types that do not exist.
std::optional<uint64_t> fixed_size(uint32_t type) {
  switch (type) {
    case kUint8:
    case kInt8:
    case kBool:
      return 1;
    case kUint16:
    case kInt16:
      return 2;
    case kUint32:
    case kInt32:
    case kFloat32:
      return 4;
    case kUint64:
    case kInt64:
    case kFloat64:
      return 8;
    default:
      return std::nullopt;
  }
}

class GgufHeaderReader {
 public:
  GgufHeaderReader(const InputFile& file, const MemoryLimit& limit)
      : file_(file), limit_(limit), in_(file, "the GGUF header") {}

  GgufHeader run() {
    in_.skip(kMagicBytes);
    read_version();
    const auto tensors = in_.number<uint64_t>();
    const auto pairs = in_.number<uint64_t>();
    in_.expect(pairs, kPairBytes);
    for (uint64_t i = 0; i < pairs; ++i) read_pair();
    in_.expect(tensors, kGgufTensorBytes);
    if (tensors > kMaxTensors) {
      throw_invalid(file_.path(), "has more than " + std::to_string(kMaxTensors) + " tensors");
    }
    for (uint64_t i = 0; i < tensors; ++i) read_tensor();
    if (tensors > 0) place();
    check_names();
    return std::move(header_);
  }

 private:
  void read_version() {
    const auto version = in_.number<uint32_t>();
    // In a file of the other byte order the version is in the high half.
    if ((version & 0xffff) == 0 && version != 0) {
      throw_failure(file_.path(), "is a big-endian GGUF file, which is not supported");
    }
    if (version < kMinVersion || version > kMaxVersion) {
      throw_failure(file_.path(), "is a GGUF file of version " + std::to_string(version) +
                                      "; 2 and 3 are supported");
    }
  }

  void hold(const char* what, uint64_t bytes) {
    held_ += bytes;
    limit_.check(file_.path(), what, held_);
  }

  void read_pair() {
    const auto size = in_.number<uint64_t>();
    if (size == 0 || size > kMaxKeyBytes) {
      throw_invalid(file_.path(), "has a metadata key of " + std::to_string(size) +
                                      " bytes, not 1 to " + std::to_string(kMaxKeyBytes));
    }
    hold("the set of its metadata keys", kKeyMemory + size);
    const auto [at, added] = keys_.insert(in_.text(size));
    const std::string& key = *at;
    if (!added) throw_invalid(file_.path(), "has the metadata key " + quote(key) + " twice");
    const auto type = in_.number<uint32_t>();
    if (key == "general.alignment") {
      read_alignment(type);
    } else if (type == kString && key == "general.architecture") {
      read_shown("gguf.architecture");
    } else if (type == kString && key == "general.name") {
      read_shown("gguf.name");
    } else if (type == kArray) {
      skip_array(key, 1);
    } else {
      skip_value(key, type);
    }
  }

  void read_alignment(uint32_t type) {
    if (type != kUint32) throw_invalid(file_.path(), "general.alignment is not a u32");
    alignment_ = in_.number<uint32_t>();
    if (!std::has_single_bit(alignment_)) {
      throw_invalid(file_.path(),
                    "general.alignment is " + std::to_string(alignment_) + ", not a power of two");
    }
  }

  void read_shown(const char* name) {
    const auto size = in_.number<uint64_t>();
    if (size > kMaxShownBytes) {
      in_.skip(size);
      return;
    }
    std::string text = in_.text(size);
    if (!text.empty() && is_utf8(text) && text.find('\0') == std::string::npos) {
      header_.metadata[name] = std::move(text);
    }
  }

  // Not an array.
  void skip_value(const std::string& key, uint32_t type) {
    if (type == kString) {
      in_.skip(in_.number<uint64_t>());
    } else if (const auto size = fixed_size(type)) {
      in_.skip(*size);
    } else {
      throw_invalid(file_.path(), "the metadata value of " + quote(key) + " has the type " +
                                      std::to_string(type) + ", which does not exist");
    }
  }

  void skip_array(const std::string& key, unsigned depth) {
    if (depth > kMaxArrayDepth) {
      throw_invalid(file_.path(), "the metadata value of " + quote(key) +
                                      " has arrays in arrays, more than " +
                                      std::to_string(kMaxArrayDepth) + " deep");
    }
    const auto type = in_.number<uint32_t>();
    const auto count = in_.number<uint64_t>();
    if (const auto size = fixed_size(type)) {
      in_.expect(count, *size);
      in_.skip(count * *size);
      return;
    }
    in_.expect(count, type == kArray ? kArrayBytes : kStringBytes);
    if (count == 0 && type != kArray && type != kString) skip_value(key, type);
    for (uint64_t i = 0; i < count; ++i) {
      type == kArray ? skip_array(key, depth + 1) : skip_value(key, type);
    }
  }

  void read_tensor() {
    GgufTensor tensor;
    const auto name_bytes = in_.number<uint64_t>();
    if (name_bytes > kMaxNameBytes) {
      throw_invalid(file_.path(), "has a tensor's name of " + std::to_string(name_bytes) +
                                      " bytes, more than " + std::to_string(kMaxNameBytes));
    }
    hold("its list of tensors", kTensorMemory + kGgufNameCopies * name_bytes);
    tensor.name = in_.text(name_bytes);
    const auto rank = in_.number<uint32_t>();
    if (rank > kMaxDims) {
      throw_invalid(file_.path(), named(tensor) + " has " + std::to_string(rank) +
                                      " dimensions, more than " + std::to_string(kMaxDims));
    }
    tensor.elements = 1;
    for (uint32_t i = 0; i < rank; ++i) {
      const auto dim = in_.number<uint64_t>();
      // As in ggml, which counts in int64_t; a wrap counts even where a later dimension is 0.
      if (dim > uint64_t{std::numeric_limits<int64_t>::max()} ||
          __builtin_mul_overflow(tensor.elements, dim, &tensor.elements)) {
        throw_invalid(file_.path(),
                      "the number of elements of " + named(tensor) + " does not fit into 64 bits");
      }
      tensor.dims.push_back(static_cast<int64_t>(dim));
    }
    tensor.type_id = in_.number<uint32_t>();
    tensor.type = find_gguf_type(tensor.type_id);
    if (tensor.type != nullptr) tensor.bytes = size_of(tensor);
    tensor.offset = in_.number<uint64_t>();
    header_.tensors.push_back(std::move(tensor));
  }

  uint64_t size_of(const GgufTensor& tensor) const {
    const GgufType& type = *tensor.type;
    const auto row = tensor.dims.empty() ? uint64_t{1} : static_cast<uint64_t>(tensor.dims[0]);
    if (row % type.block_elements != 0) {
      throw_invalid(file_.path(), named(tensor) + " has rows of " + std::to_string(row) +
                                      " elements, which are no blocks of " +
                                      std::to_string(type.block_elements) + " (" +
                                      std::string(type.name) + ")");
    }
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(tensor.elements / type.block_elements, uint64_t{type.block_bytes},
                               &bytes) ||
        bytes > std::numeric_limits<uint64_t>::max() / 8) {
      throw_invalid(file_.path(), "the size of " + named(tensor) + " does not fit into 64 bits");
    }
    return bytes;
  }

  // From offsets in the data, which follow the header, to offsets in the file.
  void place() {
    const uint64_t padding = (alignment_ - in_.position() % alignment_) % alignment_;
    if (padding > in_.left()) {
      throw_invalid(file_.path(), "is cut off: it ends before the data of its tensors");
    }
    const uint64_t data_begin = in_.position() + padding;
    const uint64_t data_bytes = file_.size() - data_begin;
    std::vector<GgufTensor>& tensors = header_.tensors;
    for (GgufTensor& tensor : tensors) {
      if (tensor.offset % alignment_ != 0) {
        throw_invalid(file_.path(), named(tensor) + " is at data byte " +
                                        std::to_string(tensor.offset) + ", no multiple of " +
                                        std::to_string(alignment_));
      }
      if (tensor.offset > data_bytes || tensor.bytes > data_bytes - tensor.offset) {
        throw_invalid(file_.path(), "is cut off: " + named(tensor) + " of " +
                                        std::to_string(tensor.bytes) + " bytes begins at byte " +
                                        std::to_string(tensor.offset) + " of the " +
                                        std::to_string(data_bytes) + " bytes of data");
      }
      tensor.offset += data_begin;
    }
    // At the same offset, empty tensors come first and those of unknown size last.
    std::stable_sort(tensors.begin(), tensors.end(), [](const GgufTensor& a, const GgufTensor& b) {
      return std::tuple(a.offset, a.type == nullptr, a.bytes) <
             std::tuple(b.offset, b.type == nullptr, b.bytes);
    });
    for (size_t i = 0; i < tensors.size(); ++i) {
      GgufTensor& tensor = tensors[i];
      const uint64_t end = i + 1 < tensors.size() ? tensors[i + 1].offset : file_.size();
      if (tensor.type == nullptr) tensor.bytes = end - tensor.offset;
      const bool has_none = tensor.type == nullptr && tensor.elements > 0 && tensor.bytes == 0;
      if (tensor.bytes > end - tensor.offset || has_none) {
        throw_invalid(file_.path(), named(tensor) + " overlaps the one after it");
      }
    }
  }

  void check_names() const {
    std::unordered_set<std::string_view> seen;
    for (const GgufTensor& tensor : header_.tensors) {
      if (!seen.insert(tensor.name).second) {
        throw_invalid(file_.path(), "has two tensors named " + quote(tensor.name));
      }
    }
  }

  static std::string named(const GgufTensor& tensor) { return "tensor " + quote(tensor.name); }

  const InputFile& file_;
  const MemoryLimit& limit_;
  FileCursor in_;
  uint64_t held_ = 0;
  std::unordered_set<std::string> keys_;
  uint64_t alignment_ = kDefaultAlignment;
  GgufHeader header_;
};

}  // namespace

GgufHeader read_gguf_header(const InputFile& file, const MemoryLimit& limit) {
  return GgufHeaderReader(file, limit).run();
}

}  // namespace dcf::tools
