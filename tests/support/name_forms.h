// SPDX-License-Identifier: Apache-2.0
// A second, plain writer of coded names, from section 4.4 of spec/dcf-format.md, in steps that
// tests can change.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "codec/package_merge.h"
#include "support/file_parts.h"

namespace dcf::impl::testing {

// The names of columns that have them in plain form; their lengths may be wrong.
std::vector<std::string> names_of(const format::ManifestColumns& columns);

// The steps of the names.
Blob steps_of(const std::vector<std::string>& names);

// A text as literals and numbers.
struct CodedText {
  Blob literals;
  std::vector<uint32_t> numbers;
};
CodedText predict(const Blob& text);

// The coded form of literals and numbers, whether or not they make a text. `code` is for the
// literals; nothing: the one that they must have.
Blob coded_form(const CodedText& text,
                const std::optional<codec::CodeLengths>& code = std::nullopt);
Blob coded_form(const std::vector<std::string>& names);

// Gives a file with plain names these bytes as the coded form of its names, or the right ones.
void set_coded_names(FileParts* parts, const Blob& coded);
void use_coded_names(FileParts* parts);
// Gives a file with valid coded names its names in plain form.
void use_plain_names(FileParts* parts);

}  // namespace dcf::impl::testing
