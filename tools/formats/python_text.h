// SPDX-License-Identifier: Apache-2.0
// The literals of Python that headers of NumPy are made of, taken off the front of a text. Nothing
// is evaluated.
#pragma once

#include <cstdint>
#include <string_view>

namespace dcf::tools {

// Borrows the text. Each function skips blanks and line ends first, and takes nothing where it
// returns false.
class PythonText {
 public:
  explicit PythonText(std::string_view text) : rest_(text) {}

  // Whether nothing but blanks is left.
  bool at_end();
  bool take(char c);
  bool take_word(std::string_view word);
  // What stands between the quotes, escapes as they are written.
  bool take_string(std::string_view* value);
  // A decimal integer, as Python 2 writes it, too: 3L. One that does not fit is kTooLarge.
  static constexpr uint64_t kTooLarge = UINT64_MAX;
  bool take_number(uint64_t* value);
  // A list with all that it holds, brackets included.
  bool take_list(std::string_view* text);

 private:
  void skip_blanks();

  std::string_view rest_;
};

}  // namespace dcf::tools
