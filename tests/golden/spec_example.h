// SPDX-License-Identifier: Apache-2.0
// The worked example of spec/dcf-format.md, section 15: a small file by the library's writer, and
// the text that takes it apart byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dcf::example {

std::vector<uint8_t> make_file();

// The dump of the file. The program ends where the bytes are not laid out as the text explains
// them.
std::string dump(const std::vector<uint8_t>& file);

// The values of its tensors, as the library decodes them.
std::string values(const std::vector<uint8_t>& file);

// The bytes that the lines of a dump show.
std::vector<uint8_t> bytes_of(const std::string& dump);

// Where the spec shows a part ("dump", "values"); npos where it does not.
struct Part {
  size_t begin = std::string::npos;
  size_t end = std::string::npos;
};
Part find_part(const std::string& spec, const std::string& name);

}  // namespace dcf::example
