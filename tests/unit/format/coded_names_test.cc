// SPDX-License-Identifier: Apache-2.0
// Coded names (section 4.4): the library's form is that of a second writer, a second decoder reads
// it, each rule is broken on purpose, and what is accepted is the one form of its names.
#include "format/coded_names.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <stdexcept>

#include "format/canonical_message.h"
#include "support/memory_meter.h"
#include "support/name_forms.h"
#include "support/sample.h"
#include "unit/encode/reference_names.h"

namespace dcf::impl::format {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

using Names = std::vector<std::string>;

Blob code(const Names& names) {
  Blob bytes;
  std::vector<uint16_t> lengths;
  for (const std::string& name : names) {
    bytes.insert(bytes.end(), name.begin(), name.end());
    lengths.push_back(static_cast<uint16_t>(name.size()));
  }
  return code_names(bytes, lengths);
}

// Columns that have what expand_names() looks at.
ManifestColumns columns_with(const Blob& coded, size_t count) {
  ManifestColumns columns;
  columns.coded_names = true;
  columns.names = coded;
  columns.dtypes.assign(count, static_cast<uint8_t>(DType::kF32));
  return columns;
}

Status expand(const Blob& coded, size_t count, Names* names = nullptr, const Limits& limits = {}) {
  ManifestColumns columns = columns_with(coded, count);
  const Status s = expand_names(&columns, limits);
  if (s.ok() && names != nullptr) *names = names_of(columns);
  return s;
}

void expect_rule(const Blob& coded, size_t count, const char* rule) {
  const Status s = expand(coded, count);
  EXPECT_STREQ(s.rule, rule) << s.message;
  EXPECT_EQ(s.code, rule == std::string("M-18") ? Code::NonCanonical : Code::BadManifest);
}

Names layers(size_t count) {
  std::set<std::string> names = {"embed.weight", "norm.weight", "head.weight"};
  for (size_t i = 0; i < count; ++i) {
    for (const char* part : {"attn.q.weight", "attn.q.bias", "mlp.up.weight", "norm.bias"})
      names.insert("model.layers." + std::to_string(i) + "." + part);
  }
  return {names.begin(), names.end()};
}

Names random_names(uint64_t seed) {
  std::mt19937_64 random(seed);
  const unsigned letters = 1 + random() % 5;
  const size_t longest = random() % 3 == 0 ? 400 : 12;
  std::set<std::string> names;
  for (size_t n = random() % 300; n > 0; --n) {
    std::string name;
    for (size_t k = random() % longest; k > 0; --k)
      name.push_back(
          static_cast<char>(random() % 20 == 0 ? 1 + random() % 255 : 'a' + random() % letters));
    names.insert(name);
  }
  return {names.begin(), names.end()};
}

void expect_round_trip(const Names& names) {
  const Blob coded = code(names);
  EXPECT_EQ(coded, coded_form(names));
  Names again;
  const Status s = expand(coded, names.size(), &again);
  ASSERT_TRUE(s.ok()) << s.rule << ": " << s.message;
  EXPECT_EQ(again, names);
  EXPECT_EQ(reference::read_names(coded, names.size()), names);
}

TEST(CodedNames, TwoWritersAndTwoReadersAgree) {
  expect_round_trip({});
  expect_round_trip({""});
  expect_round_trip({"a"});
  expect_round_trip({"", "a", "aa", "aaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"});
  expect_round_trip({std::string(127, 'x'), std::string(127, 'x') + "y", "y"});
  expect_round_trip({std::string(4096, 'x'), std::string(4095, 'x') + "y", "z"});
  expect_round_trip(layers(40));
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    expect_round_trip(random_names(seed));
  }
}

TEST(CodedNames, TheExampleOfTheSpecification) {
  const std::string text = std::string("\0a.bias\0\4weight\0", 16) + std::string(
                                                                         "\x8"
                                                                         "b.bias\0\4weight\0",
                                                                         16);
  EXPECT_EQ(steps_of({"a.bias", "a.weight", "b.bias", "b.weight"}), Blob(text.begin(), text.end()));
}

TEST(CodedNames, NamesOfLayersShrinkToAFewPercent) {
  const Names names = layers(60);
  size_t bytes = 0;
  for (const std::string& name : names) bytes += name.size();
  EXPECT_LT(code(names).size() * 30, bytes);
}

// Whatever is accepted is the form that the writer gives these names.
TEST(CodedNames, NamesHaveOneForm) {
  size_t accepted = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const Names names = random_names(seed);
    CodedText text = predict(steps_of(names));
    if (text.literals.empty()) continue;
    Blob changed;
    switch (seed % 4) {
      case 0: {  // another text
        Blob steps = steps_of(names);
        steps[random() % steps.size()] = static_cast<uint8_t>("\0a\1b"[random() % 4]);
        changed = coded_form(predict(steps));
        break;
      }
      case 1:
        text.literals[random() % text.literals.size()] = 'a';
        changed = coded_form(text);
        break;
      case 2:
        if (!text.numbers.empty()) text.numbers[random() % text.numbers.size()] ^= 1;
        changed = coded_form(text);
        break;
      default:
        changed = coded_form(text);
        changed[random() % changed.size()] ^= static_cast<uint8_t>(1u << random() % 8);
    }
    Names read;
    const Status s = expand(changed, names.size(), &read);
    if (!s.ok()) {
      EXPECT_TRUE(s.rule == std::string("M-17") || s.rule == std::string("M-18") ||
                  s.rule == std::string("M-04"))
          << s.rule;
      if (seed % 4 != 3) {
        EXPECT_THROW(reference::read_names(changed, names.size()), std::runtime_error);
      }
      continue;
    }
    ++accepted;
    EXPECT_EQ(reference::read_names(changed, names.size()), read);
    EXPECT_EQ(coded_form(read), changed);
  }
  EXPECT_GT(accepted, 10u);
}

TEST(CodedNames, EveryTruncationAndEveryByteMore) {
  const Names names = layers(12);
  const Blob coded = code(names);
  for (size_t size = 0; size < coded.size(); ++size)
    EXPECT_FALSE(
        expand(Blob(coded.begin(), coded.begin() + static_cast<ptrdiff_t>(size)), names.size())
            .ok());
  Blob longer = coded;
  longer.push_back(0);
  expect_rule(longer, names.size(), "M-17");
  expect_rule(coded, names.size() - 1, "M-17");
  expect_rule(coded, names.size() + 1, "M-17");
}

TEST(CodedNames, FormsThatAreNotTheirs) {
  const Names names = {"a.bias", "a.weight", "b.bias", "b.weight"};
  const CodedText right = predict(steps_of(names));
  ASSERT_EQ(right.numbers, (std::vector<uint32_t>{12}));
  ASSERT_TRUE(expand(coded_form(right), 4).ok());

  CodedText text = right;  // the last number one less, and its byte a literal
  text.numbers.back() = 11;
  text.literals.push_back(0);
  expect_rule(coded_form(text), 4, "M-18");
  text = right;
  text.numbers.push_back(0);
  expect_rule(coded_form(text), 4, "M-17");
  text = right;
  text.numbers.back() = 13;
  expect_rule(coded_form(text), 4, "M-17");
  text = right;
  text.numbers.pop_back();
  expect_rule(coded_form(text), 4, "M-17");
  text = right;
  text.literals.push_back('x');
  expect_rule(coded_form(text), 4, "M-17");

  // A code of one bit more for every symbol but the last two.
  codec::Histogram even = codec::histogram_of(right.literals);
  for (uint64_t& count : even) count = count != 0 ? 1 : 0;
  expect_rule(coded_form(right, codec::optimal_code_lengths(even).take()), 4, "M-18");

  // Mode 2 for the one number, with a code for 11 and 12.
  Blob coded = coded_form(right);
  ASSERT_EQ(Blob(coded.end() - 2, coded.end()), (Blob{1, 12}));
  coded.resize(coded.size() - 2);
  coded.insert(coded.end(), {2, 11, 12, 0x11, 1, 1});
  expect_rule(coded, 4, "M-18");

  coded = coded_form(right);
  ASSERT_EQ(coded[2], 2);
  for (const uint8_t mode : {0, 3, 4}) {
    coded[2] = mode;
    expect_rule(coded, 4, "M-17");
  }
  coded = coded_form(right);
  coded.back() = 228;
  expect_rule(coded, 4, "M-17");
}

TEST(CodedNames, StepsThatAreNotTheirs) {
  const auto form = [](std::string_view steps) {
    return coded_form(predict(Blob(steps.begin(), steps.end())));
  };
  using namespace std::string_view_literals;
  EXPECT_TRUE(expand(form("\0ab\0\1c\0"sv), 2).ok());
  expect_rule(form("\0ab\0\2ac\0"sv), 2, "M-18");  // "ab", "ac" share a byte
  expect_rule(form("\0ab\0\3c\0"sv), 2, "M-17");   // drops more than there is
  expect_rule(form("\1ab\0"sv), 1, "M-17");
  expect_rule(form("\0ab\0\1c"sv), 2, "M-17");  // no zero byte
  expect_rule(form("\0ab\0\0"sv), 2, "M-17");
  expect_rule(form("\0ab\0\x81\0c\0"sv), 2, "M-17");  // a varint of a byte too many
  expect_rule(form("\0ab\0\x80\x80\1c\0"sv), 2, "M-17");
  expect_rule(form("\0ab\0\1c\0\0"sv), 2, "M-17");
  Blob far(1, 0);
  far.insert(far.end(), 4097, 'n');
  far.push_back(0);
  expect_rule(coded_form(predict(far)), 1, "M-04");
}

TEST(CodedNames, ALengthBesideThemIsRefused) {
  ManifestColumns columns = columns_with(code({"a"}), 1);
  columns.name_lengths = {1};
  EXPECT_STREQ(expand_names(&columns, Limits{}).rule, "M-17");
}

// Names of 4096 bytes, which differ in their last six.
TEST(CodedNames, LongNamesInFewBytesAreMeasuredBeforeTheyAreMade) {
  constexpr size_t kCount = 4000;
  Names names;
  for (size_t i = 0; i < kCount; ++i)
    names.push_back(std::string(4090, 'n') + std::to_string(100000 + i));
  const Blob coded = code(names);
  EXPECT_LT(coded.size(), 1000u);
  Limits limits;
  limits.max_memory = kManifestCopies * kCount * 4096;
  ManifestColumns columns = columns_with(coded, kCount);
  {
    const MemoryMeter meter;
    const Status s = expand_names(&columns, limits);
    EXPECT_STREQ(s.rule, "L-01") << s.message;
    EXPECT_LT(meter.peak(), 200000u);
  }
  // The message, with 2 bytes for each length.
  columns = columns_with(coded, kCount);
  limits.max_memory += kManifestCopies * (2 * kCount + CanonicalMessage(columns).bytes());
  EXPECT_TRUE(expand_names(&columns, limits).ok());
  EXPECT_EQ(names_of(columns), names);
  --limits.max_memory;
  columns = columns_with(coded, kCount);
  EXPECT_STREQ(expand_names(&columns, limits).rule, "L-01");
  limits = {};
  limits.max_tensors = kCount - 1;
  EXPECT_STREQ(expand(coded, kCount, nullptr, limits).rule, "L-03");
}

TEST(CodedNames, CountsAndSizesThatAreClaimedAreNotAllocated) {
  const MemoryMeter meter;
  // 2^32 - 1 literals, in mode constant.
  expect_rule({0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F}, 1, "M-17");
  EXPECT_STREQ(expand({0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 1, 0}, 1).rule, "L-01");
  CodedText text{{'a', 'a', 'a', 'a'}, {0x7FFFFFFF}};
  EXPECT_STREQ(expand(coded_form(text), 1).rule, "M-17");
  text.numbers = {0x7FFFFF00};
  EXPECT_STREQ(expand(coded_form(text), 1).rule, "L-01");
  EXPECT_LT(meter.peak(), 100000u);
}

// Whatever the limit, opening takes no more, or fails.
TEST(CodedNames, MemoryStaysWithinAnyLimit) {
  std::vector<Sample> samples;
  for (const std::string& name : layers(100)) {
    Sample s;
    s.name = name;
    s.dims = {0};
    samples.push_back(s);
  }
  FileParts parts = make_parts(samples);
  const size_t plain = assemble(parts).size();
  use_coded_names(&parts);
  const Blob file = assemble(parts);
  EXPECT_LT(file.size(), plain / 2);
  int worked = 0;
  for (uint64_t memory = 1000; memory < 1000000; memory += memory / 8) {
    Limits limits;
    limits.max_memory = memory;
    const MemoryMeter meter;
    const Status status = check_bytes(file, 1, limits);
    if (!status.ok()) EXPECT_STREQ(status.rule, "L-01");
    EXPECT_LE(meter.peak(), memory + 24000);
    worked += status.ok();
  }
  EXPECT_GT(worked, 5);
}

// What is unknown comes first, whatever the names are.
TEST(CodedNames, AnUnknownDtypeIsReportedBeforeThem) {
  Sample s;
  s.dims = {0};
  FileParts parts = make_parts({s});
  set_coded_names(&parts, {9, 9, 9});
  EXPECT_STREQ(check_bytes(assemble(parts)).rule, "M-17");
  parts.columns.dtypes[0] = 21;
  EXPECT_STREQ(check_bytes(assemble(parts)).rule, "M-11");
}

}  // namespace
}  // namespace dcf::impl::format
