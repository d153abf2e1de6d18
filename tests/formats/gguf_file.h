// SPDX-License-Identifier: Apache-2.0
// GGUF files made by hand, well-formed or not.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace dcf::tools::test {

// Little-endian numbers and texts as GGUF stores them.
std::string le32(uint64_t value);
std::string le64(uint64_t value);
std::string gguf_text(std::string_view text);

// A metadata pair: key, number of the type, value.
std::string gguf_pair(std::string_view key, uint32_t type, std::string_view value);
// What the header says of a tensor. `dims` and `offset` as they stand in the file.
std::string gguf_tensor(std::string_view name, std::vector<uint64_t> dims, uint32_t type,
                        uint64_t offset);

struct GgufFile {
  std::vector<std::string> pairs;
  std::vector<std::string> tensors;
  std::string data;
  uint32_t version = 3;
  uint64_t alignment = 32;  // of the data; the pair is not written

  std::string bytes() const;
};

}  // namespace dcf::tools::test
