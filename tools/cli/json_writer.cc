// SPDX-License-Identifier: Apache-2.0
#include "cli/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/output.h"

namespace dcf::tools {
namespace {

constexpr size_t kBufferBytes = size_t{64} << 10;
constexpr size_t kIndent = 2;

bool needs_escape(char c) {
  return c < 0x20 || c > 0x7e || c == '"' || c == '\\';
}

}  // namespace

void JsonWriter::begin(char open, char close) {
  separate();
  buffer_ += open;
  levels_.push_back({close, true});
}

void JsonWriter::end() {
  const Level level = levels_.back();
  levels_.pop_back();
  if (!level.empty) new_line();
  buffer_ += level.close;
  flush_if_full();
}

void JsonWriter::key(std::string_view name) {
  separate();
  append_string(name);
  buffer_ += ": ";
  after_key_ = true;
}

void JsonWriter::value(std::string_view text) {
  separate();
  append_string(text);
  flush_if_full();
}

void JsonWriter::value(uint64_t number) {
  separate();
  fmt::format_to(std::back_inserter(buffer_), "{}", number);
}

// Zero is by far the most frequent number; the others are left to the library, which has the
// shortest text that reads back as the same number, and null for what JSON cannot hold.
void JsonWriter::value(double number) {
  separate();
  buffer_ += number == 0 ? "0.0" : dump_json(OrderedJson(number));
}

void JsonWriter::value(std::nullptr_t) {
  separate();
  buffer_ += "null";
}

void JsonWriter::value(bool truth) {
  separate();
  buffer_ += truth ? "true" : "false";
}

void JsonWriter::finish() {
  buffer_ += '\n';
  print_out(buffer_);
  buffer_.clear();
}

// Before every key, and before every value that follows none.
void JsonWriter::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (levels_.empty()) return;
  if (!levels_.back().empty) buffer_ += ',';
  levels_.back().empty = false;
  new_line();
}

void JsonWriter::new_line() {
  buffer_ += '\n';
  buffer_.append(kIndent * levels_.size(), ' ');
}

void JsonWriter::append_string(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), needs_escape)) {
    buffer_ += dump_json(OrderedJson(text));
  } else {
    buffer_ += '"';
    buffer_ += text;
    buffer_ += '"';
  }
}

void JsonWriter::flush_if_full() {
  if (buffer_.size() < kBufferBytes) return;
  print_out(buffer_);
  buffer_.clear();
}

}  // namespace dcf::tools
