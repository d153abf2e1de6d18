// SPDX-License-Identifier: Apache-2.0
// Numbers that stand both in spec/dcf-format.md and in the code: dtypes, encodings, modes,
// alphabets and bucket codes, default limits and their rules, caps of the format, error codes,
// constants of the header. The symbols of section 1 are defined once.
#include <gtest/gtest.h>

#include <bit>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "base/bucket.h"
#include "base/dtype.h"
#include "base/limits.h"
#include "codec/code_lengths.h"
#include "codec/huffman_streams.h"
#include "codec/stream.h"
#include "dcf/dcf.h"
#include "dcf/errors.h"
#include "format/header.h"
#include "format/manifest_columns.h"
#include "format/tensor.h"
#include "support/test_paths.h"

namespace dcf::impl::format {
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

// Expects the text to say it, wherever its lines break.
void expect_says(const std::string& text, const std::string& words) {
  const std::string flat = std::regex_replace(text, std::regex("\\s+"), " ");
  EXPECT_NE(flat.find(words), std::string::npos) << words;
}

std::string grouped(uint64_t number) {  // 65,536
  std::string digits = std::to_string(number);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string power(uint64_t number) {  // 2^20
  return "2^" + std::to_string(std::bit_width(number) - 1);
}

TEST(SpecTables, LimitOfTheManifestUnderTheDefaults) {
  expect_says(section("11"), std::to_string(kManifestCopies) + " times the unpacked bytes");
  expect_says(section("11"), "= " + grouped(max_unpacked_manifest(Limits{})) + " unpacked bytes");
  Limits more;
  more.max_memory *= 4;
  EXPECT_EQ(max_unpacked_manifest(more), more.max_manifest);
}

TEST(SpecTables, LimitsHaveOneRuleEach) {
  std::map<std::string, std::string> rules;
  each_match(section("11"), R"(\*\*(L-\d\d)\*\* \((\w+) at)",
             [&](const std::smatch& m) { rules[m[1]] = m[2]; });
  const std::map<std::string, std::string> expected = {
      {"L-01", "LimitMemory"}, {"L-02", "LimitOutput"}, {"L-03", "LimitCount"}};
  EXPECT_EQ(rules, expected);
}

TEST(SpecTables, CapsOfTheFormat) {
  expect_says(section("6"), "at most " + grouped(kMaxChunkRows) + " rows, " +
                                power(kMaxChunkElements) + " elements, " + power(kMaxChunkEntries) +
                                " entries and " + power(kMaxChunkBytes) + " bytes");
  expect_says(section("6"), "have " + std::to_string(kRawAlignedFrom) +
                                " bytes or more in all starts at a multiple of " +
                                std::to_string(kRawAlignment) + " bytes");
  expect_says(section("4.3"), "cols MUST be 1.." + power(kMaxViewCols) + ", and 1.." +
                                  power(kMaxDenseViewCols) + " with dense positions");
  expect_says(section("4"), "at most " + std::to_string(kMaxNameBytes) + " bytes long");
  expect_says(section("4"), "A rank MUST be at most " + std::to_string(kMaxRank));
  expect_says(section("4"), "MUST be at most " + power(kMaxElements + 1) + " - 1");
  expect_says(section("9.1"), "If n < " + std::to_string(codec::kFourStreams));
  EXPECT_EQ(1u << codec::kMaxCodeLength, 4096u);
  expect_says(section("5.1"),
              "2^(" + std::to_string(codec::kMaxCodeLength) + " - L), MUST be exactly 4096");
}

TEST(SpecTables, EncodingsAndModes) {
  size_t positions = 0;
  size_t values = 0;
  each_match(section("4.2"), R"(\n\| (\d) \| ([\w-]+) \|)", [&](const std::smatch& m) {
    EXPECT_EQ(dcf_positions_name(static_cast<dcf_positions>(std::stoi(m[1]))), m[2]);
    ++positions;
  });
  each_match(section("4.2"),
             R"(\| (\d) \| (raw|palette|grid|split|int|delta|dictionary|class-split|trellis) \|)",
             [&](const std::smatch& m) {
               EXPECT_EQ(dcf_values_name(static_cast<dcf_values>(std::stoi(m[1]))), m[2]);
               ++values;
             });
  EXPECT_EQ(positions, 5u);
  EXPECT_EQ(values, 9u);
  const std::map<std::string, codec::StreamMode> modes = {
      {"stored", codec::StreamMode::kStored},
      {"constant", codec::StreamMode::kConstant},
      {"huffman-streams", codec::StreamMode::kStreams},
      {"huffman-tree", codec::StreamMode::kTree}};
  const size_t listed =
      each_match(section("9"), R"(\n\| (\d) \| ([\w-]+) \|)", [&](const std::smatch& m) {
        ASSERT_TRUE(modes.contains(m[2])) << m[0];
        EXPECT_EQ(static_cast<int>(modes.at(m[2])), std::stoi(m[1]));
      });
  EXPECT_EQ(listed, modes.size());
}

TEST(SpecTables, AlphabetsAndBucketCodes) {
  const auto alphabet = [](const Encoding& e, DType dtype, Role role) {
    const Roles roles = roles_of(e, dtype);
    return std::to_string(roles.list[roles.find(role)].alphabet);
  };
  Encoding gap;
  gap.positions = Positions::kGap;
  gap.gap_bits = 5;
  const std::string counts = alphabet(gap, DType::kU8, Role::kCounts);
  expect_says(section("7"), "counts (" + counts + "), gaps (2^b)");
  EXPECT_EQ(alphabet(gap, DType::kU8, Role::kGaps), std::to_string(1 << 5));
  expect_says(section("6"), "A = " + counts +
                                ", role counts, t = " + std::to_string(kCountBuckets.t) +
                                ", s = " + std::to_string(kCountBuckets.s));
  Encoding bucket;
  bucket.positions = Positions::kGapBucket;
  bucket.bucket_t = 3;
  bucket.bucket_s = 2;
  const std::string bits = std::to_string(kGapBits);
  expect_says(section("7"), "buckets (2^t + (" + bits + " - t) * 2^s)");
  EXPECT_EQ(alphabet(bucket, DType::kU8, Role::kGaps),
            std::to_string(BucketCode{3, 2}.alphabet(kGapBits)));
  Encoding integers;
  integers.values = Values::kInt;
  const auto values = [&](DType dtype) { return alphabet(integers, dtype, Role::kValues); };
  expect_says(section("8"), "symbols (" + values(DType::kU8) + " for W = 8, " +
                                values(DType::kI16) + " for W = 16, " + values(DType::kU32) +
                                " for W = 32, " + values(DType::kI64) + " for W = 64)");
  expect_says(section("8.3"), "t = " + std::to_string(kIntBuckets.t) +
                                  " and s = " + std::to_string(kIntBuckets.s) +
                                  ", or s = " + std::to_string(kInt64Buckets.s) + " for W = 64");
  EXPECT_EQ(kIntBuckets.t, kInt64Buckets.t);
  // The example of a bucket code.
  constexpr BucketCode kCode{7, 2};
  expect_says(section("7.4"), "200 = 11001000 in binary has e = 7: it is the symbol 128 + 0 + 2");
  EXPECT_EQ(kCode.symbol(200), 130u);
  EXPECT_EQ(kCode.extra_bits(130), 5u);
}

TEST(SpecTables, SymbolsAreDefinedOnceAndWhereTheTableSays) {
  std::ifstream in(std::string(DCF_SOURCE_DIR) + "/spec/dcf-format.md");
  std::map<std::string, std::string> headings;  // number -> heading
  const std::regex heading(R"(^#+ (\d+(?:\.\d+)?)[. ])");
  for (std::string line; std::getline(in, line);) {
    std::smatch m;
    if (std::regex_search(line, m, heading)) headings[m[1]] = line;
  }
  std::map<std::string, int> seen;
  const size_t rows = each_match(
      section("1"), R"(\n\| ([\w, ]+) \| [^|]+ \| ([\d., ]+) \|)", [&](const std::smatch& m) {
        ++seen[m[1]];
        const std::string sections = m[2];
        each_match(sections, R"(\d+(\.\d+)?)", [&](const std::smatch& number) {
          ASSERT_TRUE(headings.contains(number[0])) << number[0];
          const std::string text = section(number[0]);
          const std::string symbols = m[1];
          each_match(symbols, R"(\w+)", [&](const std::smatch& symbol) {
            const std::string name = symbol[0];
            EXPECT_TRUE(std::regex_search(text, std::regex("\\b" + name + "\\b")))
                << name << " is not in section " << number[0];
          });
        });
      });
  EXPECT_GE(rows, 15u);
  for (const auto& [symbols, times] : seen) EXPECT_EQ(times, 1) << symbols;
}

TEST(SpecTables, ErrorCodes) {
  std::map<std::string, int> of_readers;
#define ADD(name, constant, number, cls, sentence) \
  if (number >= 20 && number < 70) of_readers[#name] = number;
  DCF_STATUS_LIST(ADD)
#undef ADD
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
  uint32_t known = 0;
  each_match(section("12"), R"(\| (\d+) \| [^|\n]+ \| yes \|)",
             [&](const std::smatch& m) { known |= 1u << std::stoi(m[1]); });
  EXPECT_EQ(kKnownFeatures, known);
  EXPECT_EQ(kGridValues, 1u << 0);
  EXPECT_EQ(kClassMaps, 1u << 1);
  EXPECT_EQ(kDeltaValues, 1u << 2);
  EXPECT_EQ(kCodedNames, 1u << 3);
  EXPECT_EQ(kDictionaries, 1u << 4);
  EXPECT_EQ(kClassZeros, 1u << 5);
  EXPECT_EQ(kTrellisValues, 1u << 6);
  expect_says(section("7.6"), "K MUST be 2.." + std::to_string(kMaxClasses) +
                                  ", run at least 1, units 2.." + power(kMaxClassUnits));
}

}  // namespace
}  // namespace dcf::impl::format
