// SPDX-License-Identifier: Apache-2.0
#include "formats/json_text.h"

namespace dcf::tools {
namespace {

// The letter of a two-character escape, or 0.
char short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

}  // namespace

void append_json_string(std::string* out, std::string_view value) {
  constexpr char kHex[] = "0123456789abcdef";
  *out += '"';
  for (const char c : value) {
    const auto byte = static_cast<uint8_t>(c);
    if (const char letter = short_escape(c); letter != 0) {
      *out += '\\';
      *out += letter;
    } else if (byte < 0x20) {
      *out += "\\u00";
      *out += kHex[byte >> 4];
      *out += kHex[byte & 15];
    } else {
      *out += c;
    }
  }
  *out += '"';
}

void append_json_numbers(std::string* out, std::span<const uint64_t> values) {
  *out += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) *out += ',';
    *out += std::to_string(values[i]);
  }
  *out += ']';
}

void append_json_strings(std::string* out, const std::map<std::string, std::string>& pairs) {
  *out += '{';
  bool first = true;
  for (const auto& [key, value] : pairs) {
    if (!first) *out += ',';
    first = false;
    append_json_string(out, key);
    *out += ':';
    append_json_string(out, value);
  }
  *out += '}';
}

}  // namespace dcf::tools
