// SPDX-License-Identifier: Apache-2.0
// Text for terminals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dcf::tools {

// Columns that escaped text (formats/text.h) takes. Needs the locale that main() sets.
size_t display_width(std::string_view text);
// At most `width` columns, at least 5, by leaving out the middle of a longer text.
std::string shorten_middle(const std::string& text, size_t width);
// Columns of the terminal `fd`; 0 if `fd` is no terminal.
size_t terminal_width(int fd);
// Columns that a table on standard output may take: the environment variable COLUMNS if it is a
// number, else the width of the terminal; 0, any number, if standard output is no terminal.
size_t table_width();

std::string human_bytes(uint64_t bytes);    // "27.9 MB": decimal units, three digits
std::string exact_bytes(uint64_t bytes);    // "27,912,345 bytes"
std::string human_seconds(double seconds);  // "2.1 s", "3:05 min"
std::string human_count(uint64_t count, const std::string& what);  // "1 tensor", "52 tensors"
// "11.8x" with one digit; "-" where the divisor is 0.
std::string human_ratio(double dividend, double divisor, int digits);
std::string human_shape(std::span<const uint64_t> dims);  // "300x784", "scalar"

}  // namespace dcf::tools
