// SPDX-License-Identifier: Apache-2.0
#include "gguf_file.h"

#include "formats/le_bytes.h"

namespace dcf::tools::test {
namespace {

template <typename T>
std::string number(uint64_t value) {
  std::vector<uint8_t> bytes;
  append_le(&bytes, static_cast<T>(value));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

std::string le32(uint64_t value) {
  return number<uint32_t>(value);
}

std::string le64(uint64_t value) {
  return number<uint64_t>(value);
}

std::string gguf_text(std::string_view text) {
  return le64(text.size()).append(text);
}

std::string gguf_pair(std::string_view key, uint32_t type, std::string_view value) {
  return gguf_text(key) + le32(type) + std::string(value);
}

std::string gguf_tensor(std::string_view name, std::vector<uint64_t> dims, uint32_t type,
                        uint64_t offset) {
  std::string out = gguf_text(name) + le32(dims.size());
  for (const uint64_t dim : dims) out += le64(dim);
  return out + le32(type) + le64(offset);
}

std::string GgufFile::bytes() const {
  std::string file = "GGUF" + le32(version) + le64(tensors.size()) + le64(pairs.size());
  for (const std::string& pair : pairs) file += pair;
  for (const std::string& tensor : tensors) file += tensor;
  if (!tensors.empty()) file.resize((file.size() + alignment - 1) / alignment * alignment);
  return file + data;
}

}  // namespace dcf::tools::test
