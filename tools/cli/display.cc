// SPDX-License-Identifier: Apache-2.0
#include "cli/display.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "formats/text.h"

namespace dcf::tools {
namespace {

std::vector<Glyph> split_glyphs(std::string_view text) {
  std::vector<Glyph> glyphs;
  while (!text.empty()) {
    glyphs.push_back(first_glyph(text));
    text.remove_prefix(glyphs.back().bytes.size());
  }
  return glyphs;
}

size_t glyph_width(const Glyph& glyph) {
  const int width = wcwidth(static_cast<wchar_t>(glyph.code));
  return width > 0 ? static_cast<size_t>(width) : 0;
}

// Nearly all names are: they take one column a byte, and nothing of them is escaped.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

}  // namespace

size_t display_width(std::string_view text) {
  if (is_plain(text)) return text.size();
  size_t width = 0;
  for (const Glyph& glyph : split_glyphs(text)) width += glyph_width(glyph);
  return width;
}

std::string shorten_middle(const std::string& text, size_t width) {
  if (display_width(text) <= width) return text;
  constexpr std::string_view kGap = "...";
  const size_t room = width - kGap.size();
  const std::vector<Glyph> glyphs = split_glyphs(text);
  // The end of a tensor's name tells more than its start.
  size_t head_room = room / 2;
  size_t tail_room = room - head_room;
  std::string head;
  for (auto it = glyphs.begin(); it != glyphs.end() && glyph_width(*it) <= head_room; ++it) {
    head += it->bytes;
    head_room -= glyph_width(*it);
  }
  size_t tail_size = 0;
  for (auto it = glyphs.rbegin(); it != glyphs.rend() && glyph_width(*it) <= tail_room; ++it) {
    tail_size += it->bytes.size();
    tail_room -= glyph_width(*it);
  }
  return head + std::string(kGap) + text.substr(text.size() - tail_size);
}

size_t terminal_width(int fd) {
  winsize size{};
  if (isatty(fd) != 1) return 0;
  constexpr size_t kUsual = 80;
  return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

size_t table_width() {
  const char* const columns = std::getenv("COLUMNS");
  if (columns != nullptr) {
    size_t width = 0;
    const char* const end = columns + std::strlen(columns);
    const auto [rest, error] = std::from_chars(columns, end, width);
    if (error == std::errc() && rest == end && width > 0) return width;
  }
  return terminal_width(STDOUT_FILENO);
}

std::string human_bytes(uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* const next : {"kB", "MB", "GB", "TB", "PB", "EB"}) {
    if (value < 999.5) break;
    value /= 1000;
    unit = next;
  }
  return value < 99.95 ? fmt::format("{:.1f} {}", value, unit)
                       : fmt::format("{:.0f} {}", value, unit);
}

std::string exact_bytes(uint64_t bytes) {
  std::string digits = std::to_string(bytes);
  for (size_t end = digits.size(); end > 3; end -= 3) digits.insert(end - 3, ",");
  return digits + (bytes == 1 ? " byte" : " bytes");
}

std::string human_seconds(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<uint64_t>(seconds);
  return fmt::format("{}:{:02} min", whole / 60, whole % 60);
}

std::string human_count(uint64_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string human_ratio(double dividend, double divisor, int digits) {
  return divisor == 0 ? "-" : fmt::format("{:.{}f}x", dividend / divisor, digits);
}

std::string human_shape(std::span<const uint64_t> dims) {
  if (dims.empty()) return "scalar";
  return fmt::format("{}", fmt::join(dims, "x"));
}

}  // namespace dcf::tools
