// SPDX-License-Identifier: Apache-2.0
// The second worked example of spec/dcf-format.md, section 16: one tensor whose chunk is transposed
// and has every kind of stream, written by the plain writer of tests/support.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dcf::example {

std::vector<uint8_t> make_transposed_file();

// The dump of the file. The program ends where the bytes are not laid out as the text explains
// them.
std::string transposed_dump(const std::vector<uint8_t>& file);

// The values of its tensor, as the library decodes them.
std::string transposed_values(const std::vector<uint8_t>& file);

}  // namespace dcf::example
