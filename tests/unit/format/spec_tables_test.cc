// SPDX-License-Identifier: Apache-2.0
// Numbers that stand both in a table of spec/dcf-format.md and in the code: dtypes, default limits,
// error codes, constants of the header.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "base/dtype.h"
#include "base/limits.h"
#include "dcf/errors.h"
#include "format/header.h"
#include "support/test_paths.h"

namespace dcf::impl {
namespace {

// The lines of the section whose heading starts with "<number>. " or "<number> ".
std::string section(const std::string& number) {
  std::ifstream in(std::string(DCF_SOURCE_DIR) + "/spec/dcf-format.md");
  std::string out;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#"))
      inside = std::regex_search(line, std::regex("^#+ " + number + "[. ]"));
    if (inside) out += line + '\n';
  }
  EXPECT_FALSE(out.empty()) << number;
  return out;
}

// Calls f(match) for each place in the text, and returns how many there are.
template <typename F>
size_t each_match(const std::string& text, const char* pattern, F f) {
  const std::regex regex(pattern);
  size_t n = 0;
  for (std::sregex_iterator i(text.begin(), text.end(), regex), end; i != end; ++i, ++n) f(*i);
  return n;
}

TEST(SpecTables, DTypes) {
  size_t known = 0;
  for (unsigned id = 0; id < 256; ++id) known += is_known(static_cast<DType>(id)) ? 1 : 0;
  const size_t listed =
      each_match(section("4.1"), R"(\| (\d+) \| (\w+) \| (\w+) )", [](const std::smatch& m) {
        const auto dtype = static_cast<DType>(std::stoi(m[1]));
        EXPECT_TRUE(is_known(dtype)) << m[0];
        EXPECT_EQ(dtype_name(dtype), m[2]);
        EXPECT_EQ(dtype_bits(dtype), dtype == DType::kOpaque ? 0 : std::stoul(m[3])) << m[0];
      });
  EXPECT_EQ(listed, known);
}

TEST(SpecTables, DefaultLimits) {
  const Limits defaults;
  const std::map<std::string, uint64_t> limits = {{"max_memory", defaults.max_memory},
                                                  {"max_tensors", defaults.max_tensors},
                                                  {"max_output", defaults.max_output},
                                                  {"max_entries", defaults.max_entries},
                                                  {"max_manifest", defaults.max_manifest}};
  const size_t listed = each_match(
      section("11"), R"(\| (max_\w+) \| (?:2\^(\d+)|(\d+) ([MG])iB) \|)",
      [&](const std::smatch& m) {
        const uint64_t value = m[2].matched ? uint64_t{1} << std::stoi(m[2])
                                            : std::stoull(m[3]) << (m[4] == "G" ? 30 : 20);
        ASSERT_TRUE(limits.contains(m[1])) << m[0];
        EXPECT_EQ(limits.at(m[1]), value) << m[0];
      });
  EXPECT_EQ(listed, limits.size());
}

TEST(SpecTables, ErrorCodes) {
  std::map<std::string, int> of_readers;
#define ADD(name, constant, number, cls, sentence) \
  if (number >= 20 && number < 70) of_readers[#name] = number;
  DCF_STATUS_LIST(ADD)
#undef ADD
  of_readers.erase("UnsupportedDType");  // of operations, not of files
  std::map<std::string, int> listed;
  each_match(section("13"), R"( (\d\d) ([A-Z]\w+))",
             [&](const std::smatch& m) { listed[m[2]] = std::stoi(m[1]); });
  EXPECT_EQ(listed, of_readers);
}

TEST(SpecTables, Header) {
  const std::string text = section("3");
  std::ostringstream magic;
  for (const uint8_t byte : kMagic) {
    magic << (byte == kMagic[0] ? "" : " ") << std::uppercase << std::hex << byte / 16 << byte % 16;
  }
  EXPECT_NE(text.find("| magic | `" + magic.str() + "` |"), std::string::npos) << magic.str();
  EXPECT_NE(text.find("| major | " + std::to_string(kFormatMajor) + " |"), std::string::npos);
  EXPECT_NE(text.find("| minor | any; " + std::to_string(kFormatMinor) + " for this text |"),
            std::string::npos);
  EXPECT_EQ(kKnownFeatures, 0u);
  EXPECT_NE(section("12").find("this text's readers know none of them"), std::string::npos);
}

}  // namespace
}  // namespace dcf::impl
