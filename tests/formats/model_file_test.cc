// SPDX-License-Identifier: Apache-2.0
// The small parts: texts, tensor sizes, ranges of files.
#include <limits>
#include <set>

#include "formats/input_file.h"
#include "formats/text.h"
#include "model_test_util.h"

namespace dcf::tools::test {
namespace {

TEST(Text, Utf8) {
  for (const char* good : {"", "a", "\xc3\xa4", "\xe2\x82\xac", "\xed\x9f\xbf", "\xf0\x9f\x98\x80",
                           "\xf4\x8f\xbf\xbf", "\xef\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << quote(good);
  }
  for (const char* bad :
       {"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_FALSE(is_utf8(bad)) << quote(bad);
  }
}

TEST(Text, Quote) {
  EXPECT_EQ(quote("a\n\x7f\xff\xc3\xa4"), "'a\\x0a\\x7f\\xff\xc3\xa4'");
  const std::string cut = quote(std::string(1000, 'x'));
  EXPECT_LT(cut.size(), 140u);
  EXPECT_TRUE(cut.ends_with("...'"));
}

TEST(Text, WhatDoesNotShowIsWrittenOut) {
  EXPECT_EQ(printable("a\nb\tc"), "a\\x0ab\\x09c");
  EXPECT_EQ(printable("\x1b[2J\x7f\xff\xc3"), "\\x1b[2J\\x7f\\xff\\xc3");
  EXPECT_EQ(printable("a b/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
            "a b/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  const std::pair<const char*, const char*> cases[] = {
      {"\u00a0", "a0"},         {"\u00ad", "ad"},        {"\u061c", "61c"},
      {"\u115f", "115f"},       {"\u180e", "180e"},      {"\u200b", "200b"},
      {"\u200d", "200d"},       {"\u200f", "200f"},      {"\u2028", "2028"},
      {"\u202e", "202e"},       {"\u202f", "202f"},      {"\u2060", "2060"},
      {"\u2066", "2066"},       {"\u2800", "2800"},      {"\u3000", "3000"},
      {"\u3164", "3164"},       {"\ue000", "e000"},      {"\ufe0f", "fe0f"},
      {"\ufeff", "feff"},       {"\uffa0", "ffa0"},      {"\ufff9", "fff9"},
      {"\xef\xbf\xbe", "fffe"}, {"\U000e0041", "e0041"}, {"\U0010ffff", "10ffff"},
      {"\xc2\x9b", "9b"}};
  for (const auto& [text, code] : cases) {
    const std::string name = std::string("fc1") + text + ".weight";
    const std::string shown = std::string("fc1\\u{") + code + "}.weight";
    EXPECT_EQ(printable(name), shown);
    EXPECT_EQ(quote(name), "'" + shown + "'");
  }
}

TEST(Text, NoTwoNamesPrintAlike) {
  EXPECT_EQ(printable("a\\u{200b}"), "a\\\\u{200b}");
  EXPECT_EQ(quote("a\\x0a\\"), "'a\\\\x0a\\\\'");
  const std::string names[] = {"a\u200b", "a\\u{200b}", "a\\\\u{200b}", "a\n", "a\\x0a",
                               "a\\",     "a"};
  std::set<std::string> shown;
  for (const std::string& name : names) {
    EXPECT_TRUE(shown.insert(printable(name)).second) << name;
    EXPECT_TRUE(shown.insert(quote(name)).second) << name;
    // A message has its names quoted already.
    EXPECT_EQ(printable_message("f: " + quote(name) + "\n"), "f: " + quote(name) + "\\x0a");
  }
}

TEST(TensorMeta, Sizes) {
  EXPECT_EQ(meta("a", DCF_DTYPE_F4, {3}).bytes(), 2u);
  EXPECT_EQ(meta("a", DCF_DTYPE_F64, {}).bytes(), 8u);
  EXPECT_EQ(meta("a", DCF_DTYPE_U8, {7, 0}).elements(), 0u);
  const uint64_t max = std::numeric_limits<uint64_t>::max();
  EXPECT_FALSE(checked_bits(std::vector<uint64_t>{max, 2, 0}, 1));
  EXPECT_TRUE(checked_bits(std::vector<uint64_t>{0, max, max}, 64));
  TensorMeta wrapped = meta("a", DCF_DTYPE_U8, {});
  wrapped.dims = {max, max};
  EXPECT_TOOL_ERROR(wrapped.bytes(), 1, "64 bits");
  EXPECT_TOOL_ERROR(meta("a", DCF_DTYPE_U8, {max}), 1, "64 bits");
}

TEST(InputFile, RangesAreChecked) {
  const TempDir dir;
  const InputFile file(dir.write("f", "0123456789"));
  EXPECT_EQ(file.read_range(3, 4), to_bytes("3456"));
  EXPECT_TRUE(file.read_range(10, 0).empty());
  EXPECT_TOOL_ERROR(file.read_range(8, 3), 1, "cut off");
  EXPECT_TOOL_ERROR(file.read_range(11, 0), 1, "cut off");
  EXPECT_TOOL_ERROR(file.read_range(2, std::numeric_limits<uint64_t>::max()), 1, "cut off");
}

}  // namespace
}  // namespace dcf::tools::test
