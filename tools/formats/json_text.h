// SPDX-License-Identifier: Apache-2.0
// JSON text without a tree of values: headers grow with the number of tensors.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace dcf::tools {

// `value` in quotes. It must be UTF-8.
void append_json_string(std::string* out, std::string_view value);
// [1,2,3]
void append_json_numbers(std::string* out, std::span<const uint64_t> values);
// {"key":"value",...}
void append_json_strings(std::string* out, const std::map<std::string, std::string>& pairs);

}  // namespace dcf::tools
