// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dcf::tools {

// Writes one JSON value to standard output piece by piece, so that its memory does not grow with
// the number of members. The text is the one of print_json(): two spaces of indentation, ASCII
// only, bytes that are not UTF-8 replaced by U+FFFD. The caller keeps the keys of an object unique.
// Throws Error when standard output cannot be written. One thread at a time.
class JsonWriter {
 public:
  void begin_object() { begin('{', '}'); }
  void begin_array() { begin('[', ']'); }
  void end();  // of the innermost object or array
  // A member of the innermost object; its value must follow.
  void key(std::string_view name);

  void value(std::string_view text);
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(const char* text) { value(std::string_view(text)); }
  void value(uint64_t number);
  void value(uint32_t number) { value(uint64_t{number}); }
  void value(double number);
  void value(std::nullptr_t);
  void value(bool truth);

  template <typename Value>
  void member(std::string_view name, const Value& v) {
    key(name);
    value(v);
  }

  // Writes what is left, and a newline. All objects and arrays must have ended.
  void finish();

 private:
  struct Level {
    char close;
    bool empty;
  };

  void begin(char open, char close);
  void separate();
  void new_line();
  void append_string(std::string_view text);
  void flush_if_full();

  std::string buffer_;
  std::vector<Level> levels_;
  bool after_key_ = false;
};

}  // namespace dcf::tools
