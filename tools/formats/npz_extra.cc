// SPDX-License-Identifier: Apache-2.0
#include "formats/npz_extra.h"

#include <string_view>
#include <unordered_map>
#include <utility>

#include "formats/dtype_table.h"
#include "formats/error.h"
#include "formats/json.h"
#include "formats/json_text.h"
#include "formats/npy_header.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

using nlohmann::json;

constexpr const char* kOpaque = "OPAQUE";
constexpr uint64_t kMaxOpaqueBits = 1 << 16;

// Members in the order of their names.
void append_description(std::string* out, const TensorMeta& meta) {
  const DtypeEntry* dtype = find_dtype(meta.dtype);
  *out += '{';
  if (dtype == nullptr) *out += "\"bits\":" + std::to_string(meta.bits) + ',';
  *out += "\"dtype\":";
  append_json_string(out, dtype == nullptr ? kOpaque : dtype->safetensors);
  if (dtype == nullptr) {
    *out += ",\"opaque_name\":";
    append_json_string(out, meta.opaque_name);
  }
  *out += ",\"shape\":";
  append_json_numbers(out, meta.dims);
  *out += '}';
}

TensorMeta read_description(const std::string& where, const std::string& name, const json& entry) {
  const std::string what = "tensor " + quote(name);
  const std::string& dtype = json_string(where, json_member(where, entry, "dtype", what), what);
  std::vector<uint64_t> dims = json_dims(where, json_member(where, entry, "shape", what), what);
  if (dtype != kOpaque) {
    const DtypeEntry* known = find_safetensors_dtype(dtype);
    if (known == nullptr) {
      throw_failure(where, what + " has the dtype " + quote(dtype) + ", which is not supported");
    }
    return make_meta(where, name, known->dtype, std::move(dims));
  }
  const uint64_t bits = json_u64(where, json_member(where, entry, "bits", what), what);
  if (bits == 0 || bits > kMaxOpaqueBits) {
    throw_invalid(where, what + " has elements of " + std::to_string(bits) + " bits");
  }
  TensorMeta meta{
      .name = name,
      .dtype = DCF_DTYPE_OPAQUE,
      .bits = static_cast<uint32_t>(bits),
      .opaque_name = json_string(where, json_member(where, entry, "opaque_name", what), what),
      .dims = std::move(dims)};
  check_meta(where, meta);
  return meta;
}

}  // namespace

std::string make_npz_extra(const std::string& file, std::span<const TensorMeta> tensors,
                           const std::map<std::string, std::string>& metadata) {
  std::map<std::string_view, const TensorMeta*> described;
  for (const TensorMeta& meta : tensors) {
    if (meta.name == kNpzExtraName) {
      throw_failure(file, "npz cannot hold a tensor named " + quote(meta.name));
    }
    if (numpy_equivalent(meta) != meta) described[meta.name] = &meta;
  }
  if (described.empty() && metadata.empty()) return {};
  for (const auto& [key, value] : metadata) {
    if (!is_utf8(key) || !is_utf8(value)) {
      throw_failure(file, "npz cannot hold the metadata " + quote(key) + ", which is not UTF-8");
    }
  }
  std::string text = "{\"metadata\":";
  append_json_strings(&text, metadata);
  text += ",\"tensors\":{";
  bool first = true;
  for (const auto& [name, meta] : described) {
    if (!first) text += ',';
    first = false;
    append_json_string(&text, name);
    text += ':';
    append_description(&text, *meta);
  }
  return text + "}}";
}

void apply_npz_extra(const std::string& file, std::span<const uint8_t> text,
                     const MemoryLimit& limit, std::vector<TensorMeta>* tensors,
                     std::map<std::string, std::string>* metadata) {
  const std::string where = file + ": " + kNpzExtraName;
  JsonDocument document;
  parse_json(where, text, &document, limit);
  const json& root = document.root();
  const json& texts = json_member(where, root, "metadata", "the object");
  const json& described = json_member(where, root, "tensors", "the object");
  if (root.size() != 2 || !texts.is_object() || !described.is_object()) {
    throw_invalid(where, "does not hold two objects, 'tensors' and 'metadata'");
  }
  for (const auto& [key, value] : texts.items()) {
    (*metadata)[key] = json_string(where, value, "the metadata value of " + quote(key));
  }

  std::unordered_map<std::string, TensorMeta*> by_name;
  for (TensorMeta& tensor : *tensors) by_name[tensor.name] = &tensor;
  for (const auto& [name, entry] : described.items()) {
    const auto stored = by_name.find(name);
    if (stored == by_name.end()) {
      throw_invalid(where, "describes " + quote(name) + ", which the archive does not hold");
    }
    TensorMeta meta = read_description(where, name, entry);
    if (numpy_equivalent(meta) != *stored->second) {
      throw_invalid(where, "describes " + quote(name) + ", whose array does not fit to that");
    }
    *stored->second = std::move(meta);
  }
}

}  // namespace dcf::tools
