// SPDX-License-Identifier: Apache-2.0
#include "formats/text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "base/utf8.h"

namespace dcf::tools {
namespace {

constexpr size_t kMaxQuotedBytes = 120;
constexpr char kHex[] = "0123456789abcdef";

struct Range {
  char32_t first, last;
};
// Sorted. Unicode 15: Cc, Cf, Zs but U+0020, Zl, Zp, the fillers and joiners of other categories,
// variation selectors, surrogates, noncharacters, private use and the block of tags.
constexpr Range kInvisible[] = {
    {0x0000, 0x001f},   {0x007f, 0x00a0},   {0x00ad, 0x00ad},   {0x034f, 0x034f},
    {0x0600, 0x0605},   {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},
    {0x0890, 0x0891},   {0x08e2, 0x08e2},   {0x115f, 0x1160},   {0x1680, 0x1680},
    {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x2000, 0x200f},   {0x2028, 0x202f},
    {0x205f, 0x206f},   {0x2800, 0x2800},   {0x3000, 0x3000},   {0x3164, 0x3164},
    {0xd800, 0xf8ff},   {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0},   {0xfff0, 0xfffb},   {0xfffe, 0xffff},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d159, 0x1d159},
    {0x1d173, 0x1d17a}, {0x1fffe, 0x1ffff}, {0x2fffe, 0x2ffff}, {0x3fffe, 0x10ffff}};

void append_hex(std::string* out, uint8_t byte) {
  *out += kHex[byte >> 4];
  *out += kHex[byte & 15];
}

void append_visible(std::string* out, const Glyph& glyph) {
  if (glyph.well_formed && is_visible(glyph.code)) {
    *out += glyph.bytes;
  } else if (glyph.well_formed && glyph.code >= 0x80) {
    *out += "\\u{";
    int shift = 20;
    while ((glyph.code >> shift) == 0) shift -= 4;
    for (; shift >= 0; shift -= 4) *out += kHex[glyph.code >> shift & 15];
    *out += '}';
  } else {
    *out += "\\x";
    append_hex(out, static_cast<uint8_t>(glyph.bytes[0]));
  }
}

// Without the second backslash, a name that has the text of an escape would look like another name.
void append_escaped(std::string* out, const Glyph& glyph) {
  if (glyph.code == '\\') *out += '\\';
  append_visible(out, glyph);
}

std::string written_out(std::string_view text, void (*append)(std::string*, const Glyph&)) {
  std::string out;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    append(&out, glyph);
    text.remove_prefix(glyph.bytes.size());
  }
  return out;
}

}  // namespace

bool is_utf8(std::string_view text) {
  return impl::is_utf8(impl::bytes_of(text));
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  return lower;
}

Glyph first_glyph(std::string_view text) {
  constexpr size_t kMaxSequence = 4;
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t size = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : kMaxSequence;
  const std::string_view bytes = text.substr(0, size);
  if (bytes.size() < size || !is_utf8(bytes)) return {text.substr(0, 1), 0, false};
  char32_t code = size == 1 ? lead : lead & (0x7fu >> size);
  for (const char c : bytes.substr(1)) code = code << 6 | (static_cast<uint8_t>(c) & 0x3f);
  return {bytes, code, true};
}

bool is_visible(char32_t code) {
  const Range* const range =
      std::lower_bound(std::begin(kInvisible), std::end(kInvisible), code,
                       [](const Range& r, char32_t value) { return r.last < value; });
  return range == std::end(kInvisible) || code < range->first;
}

std::string printable(std::string_view text) {
  return written_out(text, append_escaped);
}

std::string printable_name(std::string_view name) {
  return name.empty() ? "\"\"" : printable(name);
}

std::string quote(std::string_view text) {
  std::string out = "'";
  while (!text.empty()) {
    if (out.size() > kMaxQuotedBytes) return out + "...'";
    const Glyph glyph = first_glyph(text);
    append_escaped(&out, glyph);
    text.remove_prefix(glyph.bytes.size());
  }
  return out + "'";
}

std::string printable_message(std::string_view message) {
  return written_out(message, append_visible);
}

}  // namespace dcf::tools
