// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace dcf::tools {

// A regular expression for names of tensors, in the syntax of RE2. Matching takes time linear in
// the name, whatever the pattern and the name are, and bounded memory. Copies share the pattern.
class NamePattern {
 public:
  // Throws std::invalid_argument, whose text continues a sentence ("is longer than ..."): for a
  // pattern that is not well-formed, longer than 4096 bytes, or larger than 1 MiB once it is
  // compiled, and for look-around and back-references, which no matcher in linear time has.
  explicit NamePattern(std::string_view pattern);

  // Whether the pattern matches anywhere in `name`; ^ and $ tie it to the ends.
  bool matches(std::string_view name) const;

  // As it was given.
  const std::string& text() const;

 private:
  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace dcf::tools
