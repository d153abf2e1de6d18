// SPDX-License-Identifier: Apache-2.0
#include "cli/name_pattern.h"

#include <re2/re2.h>

#include <cstdint>
#include <stdexcept>

#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr size_t kMaxPatternBytes = 4096;
constexpr int64_t kMaxCompiledBytes = int64_t{1} << 20;

bool is_look_around(const std::string& operation) {
  return operation.starts_with("(?=") || operation.starts_with("(?!") ||
         operation.starts_with("(?<");
}

bool is_back_reference(const std::string& escape) {
  return escape.size() >= 2 && escape[0] == '\\' &&
         ((escape[1] >= '1' && escape[1] <= '9') || escape[1] == 'k');
}

std::string describe(const re2::RE2& pattern) {
  const std::string& part = pattern.error_arg();
  if (is_look_around(part)) {
    return "uses look-around, " + quote(part) +
           ", which is not supported: put a rule for the exceptions before it, as the first rule "
           "that matches wins, or list them under 'ignore'";
  }
  if (is_back_reference(part)) {
    return "uses a back-reference, " + quote(part) +
           ", which is not supported: write the repeated text out, as one rule for each case";
  }
  // It repeats a part of the pattern.
  return "is not a regular expression that RE2 takes: " + printable_message(pattern.error());
}

}  // namespace

NamePattern::NamePattern(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    throw std::invalid_argument("is longer than " + std::to_string(kMaxPatternBytes) + " bytes");
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxCompiledBytes);
  auto compiled =
      std::make_shared<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!compiled->ok()) throw std::invalid_argument(describe(*compiled));
  compiled_ = std::move(compiled);
}

const std::string& NamePattern::text() const {
  return compiled_->pattern();
}

bool NamePattern::matches(std::string_view name) const {
  return re2::RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *compiled_);
}

}  // namespace dcf::tools
