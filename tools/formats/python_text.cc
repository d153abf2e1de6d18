// SPDX-License-Identifier: Apache-2.0
#include "formats/python_text.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace dcf::tools {

void PythonText::skip_blanks() {
  rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n\f"), rest_.size()));
}

bool PythonText::at_end() {
  skip_blanks();
  return rest_.empty();
}

bool PythonText::take(char c) {
  skip_blanks();
  if (rest_.empty() || rest_.front() != c) return false;
  rest_.remove_prefix(1);
  return true;
}

bool PythonText::take_word(std::string_view word) {
  skip_blanks();
  if (!rest_.starts_with(word)) return false;
  rest_.remove_prefix(word.size());
  return true;
}

bool PythonText::take_string(std::string_view* value) {
  skip_blanks();
  // Python 2 marks texts that are not bytes.
  const size_t open = rest_.starts_with('u') ? 1 : 0;
  if (open >= rest_.size()) return false;
  const char mark = rest_[open];
  if (mark != '\'' && mark != '"') return false;
  for (size_t at = open + 1; at < rest_.size(); ++at) {
    if (rest_[at] == '\\') {
      ++at;
    } else if (rest_[at] == '\n') {
      return false;
    } else if (rest_[at] == mark) {
      *value = rest_.substr(open + 1, at - open - 1);
      rest_.remove_prefix(at + 1);
      return true;
    }
  }
  return false;
}

bool PythonText::take_number(uint64_t* value) {
  skip_blanks();
  const char* const end = rest_.data() + rest_.size();
  const auto [stop, error] = std::from_chars(rest_.data(), end, *value);
  if (error == std::errc::invalid_argument) return false;
  if (error == std::errc::result_out_of_range) *value = kTooLarge;
  rest_.remove_prefix(static_cast<size_t>(stop - rest_.data()));
  if (rest_.starts_with('L')) rest_.remove_prefix(1);
  return true;
}

bool PythonText::take_list(std::string_view* text) {
  skip_blanks();
  if (!rest_.starts_with('[')) return false;
  PythonText inner(rest_);
  size_t depth = 0;
  do {
    std::string_view ignored;
    if (inner.take_string(&ignored)) continue;
    if (inner.take('[')) {
      ++depth;
    } else if (inner.take(']')) {
      --depth;
    } else if (inner.at_end()) {
      return false;
    } else {
      inner.rest_.remove_prefix(1);
    }
  } while (depth > 0);
  *text = rest_.substr(0, rest_.size() - inner.rest_.size());
  rest_ = inner.rest_;
  return true;
}

}  // namespace dcf::tools
