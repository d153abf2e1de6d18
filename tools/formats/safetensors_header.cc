// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors_header.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "formats/dtype_table.h"
#include "formats/error.h"
#include "formats/json.h"
#include "formats/le_bytes.h"
#include "formats/safetensors_text.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

using nlohmann::json;

constexpr uint64_t kSizeBytes = 8;

struct Placed {
  TensorMeta meta;
  uint64_t begin = 0;  // in the data, which follows the header
  uint64_t end = 0;
};

class HeaderReader {
 public:
  HeaderReader(const InputFile& file, const MemoryLimit& limit) : file_(file), limit_(limit) {}

  SafetensorsHeader read() {
    JsonDocument header;
    const std::vector<uint8_t> text = read_header(&header);
    std::vector<Placed> placed;
    for (const auto& [name, value] : header.root().items()) {
      if (name == kSafetensorsMetadata) {
        read_metadata(value);
      } else {
        placed.push_back(read_entry(name, value));
      }
    }
    place(std::move(placed));
    find_descriptions({reinterpret_cast<const char*>(text.data()), text.size()});
    return std::move(result_);
  }

 private:
  std::vector<uint8_t> read_header(JsonDocument* header) {
    if (file_.size() < kSizeBytes) throw_invalid(file_.path(), "is too short for safetensors");
    std::array<uint8_t, kSizeBytes> size_field{};
    file_.read_at(0, size_field);
    const uint64_t size = load_le<uint64_t>(size_field.data());
    if (size > kMaxJsonBytes) {
      throw_invalid(file_.path(), "is no safetensors file: it declares a header of " +
                                      std::to_string(size) + " bytes, more than " +
                                      std::to_string(kMaxJsonBytes));
    }
    if (size > file_.size() - kSizeBytes) {
      throw_invalid(file_.path(), "is cut off: it ends inside the safetensors header");
    }
    limit_.check(file_.path(), "the safetensors header", size);
    data_begin_ = kSizeBytes + size;
    std::vector<uint8_t> text = file_.read_range(kSizeBytes, size);
    if (text.empty() || text[0] != '{') {
      throw_invalid(file_.path(), "is no safetensors file: the header does not start with '{'");
    }
    parse_json(file_.path() + ": the safetensors header", text, header, limit_);
    return text;
  }

  void find_descriptions(std::string_view text) {
    SafetensorsText described;
    for (const TensorMeta& meta : result_.tensors) {
      const uint64_t bytes = meta.bytes();
      if (bytes == 0 || !described.add(meta.name, meta.dtype, meta.dims, bytes)) return;
    }
    const std::string expected = described.text() + '}';
    const size_t end = text.find_last_not_of(' ') + 1;
    if (result_.tensors.empty() || text.size() - end >= kSafetensorsAlignment ||
        !text.substr(0, end).ends_with(expected)) {
      return;
    }
    const size_t begin = end - expected.size();
    if (begin == 0 || (text[begin - 1] != '{' && text[begin - 1] != ',')) return;
    result_.described_at = kSizeBytes + begin;
    result_.described_bytes = text.size() - begin;
  }

  void read_metadata(const json& value) {
    if (value.is_null()) return;  // as if there were none
    if (!value.is_object()) throw_invalid(file_.path(), "__metadata__ is not a JSON object");
    for (const auto& [key, text] : value.items()) {
      result_.metadata[key] =
          json_string(file_.path(), text, "the metadata value of " + quote(key));
    }
  }

  Placed read_entry(const std::string& name, const json& value) const {
    const std::string& path = file_.path();
    const std::string what = "tensor " + quote(name);
    const json& dtype_name = json_member(path, value, "dtype", what);
    const json& shape = json_member(path, value, "shape", what);
    const json& offsets = json_member(path, value, "data_offsets", what);
    if (value.size() != 3) throw_invalid(path, what + " has unknown fields");

    const std::string& dtype_text = json_string(path, dtype_name, "the dtype of " + what);
    const DtypeEntry* dtype = find_safetensors_dtype(dtype_text);
    if (dtype == nullptr) {
      throw_failure(path,
                    what + " has the dtype " + quote(dtype_text) + ", which is not supported");
    }
    Placed placed;
    placed.meta =
        make_meta(path, name, dtype->dtype, json_dims(path, shape, "the shape of " + what));
    if (!offsets.is_array() || offsets.size() != 2) {
      throw_invalid(path, "data_offsets of " + what + " are not two numbers");
    }
    placed.begin = json_u64(path, offsets[0], "a data offset of " + what);
    placed.end = json_u64(path, offsets[1], "a data offset of " + what);
    check_size(placed, what);
    return placed;
  }

  void check_size(const Placed& placed, const std::string& what) const {
    const uint64_t bits = checked_bits(placed.meta.dims, placed.meta.bits).value_or(0);
    if (bits % 8 != 0) {
      throw_invalid(file_.path(), what + " does not fill whole bytes");
    }
    if (placed.end < placed.begin || placed.end - placed.begin != bits / 8) {
      throw_invalid(file_.path(), what + " has dtype and shape for " + std::to_string(bits / 8) +
                                      " bytes, but its data_offsets are [" +
                                      std::to_string(placed.begin) + ", " +
                                      std::to_string(placed.end) + "]");
    }
  }

  // The tensors must cover the data exactly, so no byte is hidden and none is used twice.
  void place(std::vector<Placed> placed) {
    std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
      return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
    });
    const uint64_t data_size = file_.size() - data_begin_;
    uint64_t position = 0;
    for (Placed& tensor : placed) {
      if (tensor.begin != position) {
        throw_invalid(file_.path(), "tensor " + quote(tensor.meta.name) +
                                        (tensor.begin < position ? " overlaps the one before it"
                                                                 : " leaves a gap before it"));
      }
      if (tensor.end > data_size) {
        throw_invalid(file_.path(), "is cut off: tensor " + quote(tensor.meta.name) +
                                        " ends at data byte " + std::to_string(tensor.end) +
                                        " of " + std::to_string(data_size));
      }
      position = tensor.end;
      result_.offsets.push_back(data_begin_ + tensor.begin);
      result_.tensors.push_back(std::move(tensor.meta));
    }
    if (position != data_size) {
      throw_invalid(file_.path(),
                    "has " + std::to_string(data_size - position) + " bytes after the last tensor");
    }
    check_tensor_list(file_.path(), result_.tensors);
  }

  const InputFile& file_;
  const MemoryLimit& limit_;
  uint64_t data_begin_ = 0;
  SafetensorsHeader result_;
};

}  // namespace

bool looks_like_safetensors(std::string_view head) {
  if (head.size() <= kSizeBytes || head[kSizeBytes] != '{') return false;
  return load_le<uint64_t>(reinterpret_cast<const uint8_t*>(head.data())) <= kMaxJsonBytes;
}

SafetensorsHeader read_safetensors_header(const InputFile& file, const MemoryLimit& limit) {
  return HeaderReader(file, limit).read();
}

}  // namespace dcf::tools
