// SPDX-License-Identifier: Apache-2.0
#include "codec/code_lengths.h"

#include <gtest/gtest.h>

#include "reference.h"
#include "samples.h"

namespace dcf::impl::codec {
namespace {

using testing::Random;

TEST(CodeLengths, AcceptsExactlyTheCompleteCodes) {
  // Every vector of at most 7 lengths of 0..6.
  size_t accepted = 0;
  for (unsigned n = 0; n <= 7; ++n) {
    std::vector<uint8_t> lengths(n);
    for (bool more = true; more;) {
      const bool ok = make_code_lengths(lengths).ok();
      ASSERT_EQ(ok, reference::is_complete(lengths));
      accepted += ok;
      more = false;
      for (uint8_t& length : lengths) {
        length = static_cast<uint8_t>((length + 1) % 7);
        if (length != 0) {
          more = true;
          break;
        }
      }
    }
  }
  EXPECT_GT(accepted, 1000u);
}

TEST(CodeLengths, LimitsOfLengthAndSize) {
  std::vector<uint8_t> chain;  // 1, 2, ..., 12, 12
  for (uint8_t length = 1; length <= 12; ++length) chain.push_back(length);
  chain.push_back(12);
  EXPECT_TRUE(make_code_lengths(chain).ok());
  chain.back() = 13;
  chain.push_back(13);
  EXPECT_FALSE(make_code_lengths(chain).ok());
  EXPECT_TRUE(make_code_lengths(std::vector<uint8_t>(256, 8)).ok());
  EXPECT_FALSE(make_code_lengths(std::vector<uint8_t>(512, 9)).ok());
  EXPECT_FALSE(make_code_lengths(std::vector<uint8_t>{0, 0}).ok());
}

TEST(CodeLengths, CodesAreTheCanonicalOnes) {
  Random random(5);
  for (unsigned round = 0; round < 200; ++round) {
    const auto symbols = static_cast<unsigned>(2 + random() % 255);
    const auto lengths = testing::spread(random, testing::random_lengths(random, symbols, 12));
    const CodeLengths code = make_code_lengths(lengths).take();
    const auto forward = canonical_codes(code);
    const auto reversed = reversed_codes(code);
    const auto expected = reference::canonical(lengths);
    ASSERT_EQ(expected.size(), symbols);
    for (const auto& [key, symbol] : expected) {
      const auto [length, value] = key;
      ASSERT_EQ(code.length(symbol), length);
      ASSERT_EQ(forward[symbol], value);
      for (unsigned i = 0; i < length; ++i) {
        ASSERT_EQ(reversed[symbol] >> i & 1, value >> (length - 1 - i) & 1);
      }
    }
  }
}

TEST(CodeLengthRecord, RoundTripsAndRejectsEveryTruncation) {
  Random random(6);
  for (unsigned round = 0; round < 2000; ++round) {
    auto lengths = testing::random_lengths(random, static_cast<unsigned>(2 + random() % 255), 12);
    if (round % 2) std::sort(lengths.begin(), lengths.end());
    if (round % 3) lengths = testing::spread(random, lengths);
    const CodeLengths code = make_code_lengths(lengths).take();
    std::vector<uint8_t> bytes;
    append_code_lengths(code, &bytes);
    const size_t size = bytes.size();
    bytes.push_back(0x77);
    ByteReader in(bytes);
    const auto parsed = parse_code_lengths(&in);
    ASSERT_TRUE(parsed.ok()) << parsed.status().message;
    EXPECT_EQ(parsed.value(), code);
    EXPECT_EQ(in.position(), size);
    const size_t cut = random() % size;
    const std::vector<uint8_t> shorter(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(cut));
    ByteReader truncated(shorter);
    const auto failed = parse_code_lengths(&truncated);
    ASSERT_FALSE(failed.ok());
    EXPECT_STREQ(failed.status().rule, "T-06");
    EXPECT_EQ(truncated.position(), 0u);
  }
}

TEST(CodeLengthRecord, WhatIsAcceptedIsTheOnlyRecordOfItsCode) {
  Random random(7);
  size_t accepted = 0;
  for (unsigned round = 0; round < 100000; ++round) {
    auto lengths = testing::random_lengths(random, static_cast<unsigned>(2 + random() % 12), 5);
    lengths.resize(random() % 2 ? 40 : 200);
    if (round % 2) std::shuffle(lengths.begin(), lengths.end(), random);
    std::vector<uint8_t> bytes;
    append_code_lengths(make_code_lengths(lengths).value(), &bytes);
    bytes.resize(bytes.size() + random() % 2);
    for (size_t flips = random() % 3; flips > 0; --flips) {
      bytes[random() % bytes.size()] ^= static_cast<uint8_t>(1u << random() % 8);
    }
    const std::vector<uint8_t> exact(bytes);
    ByteReader in(exact);
    const auto parsed = parse_code_lengths(&in);
    if (!parsed.ok()) continue;
    ++accepted;
    std::vector<uint8_t> again;
    append_code_lengths(parsed.value(), &again);
    bytes.resize(in.position());
    ASSERT_EQ(again, bytes);
  }
  EXPECT_GT(accepted, 30000u);
}

TEST(CodeLengthRecord, EveryRuleHasItsCode) {
  const auto status_of = [](const std::vector<uint8_t>& bytes) {
    ByteReader in(bytes);
    return parse_code_lengths(&in).status();
  };
  const auto expect = [&](const std::vector<uint8_t>& bytes, Code code, const char* rule) {
    const Status status = status_of(bytes);
    EXPECT_EQ(status.code, code) << status.message;
    EXPECT_STREQ(status.rule, rule);
  };
  expect({3, 4, 0x11}, Code::Ok, "");
  expect({3, 3, 0x11}, Code::BadCodeLengths, "T-02");        // one symbol
  expect({4, 3, 0x11}, Code::BadCodeLengths, "T-02");        // not in order
  expect({3, 4, 0x1F}, Code::BadCodeLengths, "T-02");        // token 15
  expect({3, 4, 0x0D, 0x01}, Code::BadCodeLengths, "T-02");  // nothing to repeat
  expect({3, 5, 0x11, 0x00}, Code::BadCodeLengths, "T-02");  // last has no code
  expect({3, 5, 0x10, 0x01}, Code::BadCodeLengths, "T-02");  // first has no code
  expect({3, 6, 0xE1, 0x00}, Code::BadCodeLengths, "T-02");  // last has no code
  expect({3, 6, 0xD2, 0x01}, Code::BadCodeLengths, "T-02");  // beyond the last symbol
  expect({3, 6, 0xD2, 0x00}, Code::Ok, "");
  expect({3, 6, 0x22, 0x22}, Code::NonCanonical, "T-08");        // three repeats by themselves
  expect({3, 7, 0x01, 0x00, 0x01}, Code::NonCanonical, "T-08");  // three zeros by themselves
  expect({3, 7, 0xE1, 0x10}, Code::Ok, "");
  expect({3, 5, 0x21, 0x02}, Code::Ok, "");
  expect({3, 5, 0x21, 0x12}, Code::NonCanonical, "T-08");  // padding
  // What breaks two rules at once.
  expect({3, 7, 0x01, 0x00, 0x00}, Code::BadCodeLengths, "T-02");  // last has no code; zeros
  expect({3, 5, 0x21, 0x13}, Code::NonCanonical, "T-08");          // padding; Kraft sum
  expect({3, 5, 0x21, 0x03}, Code::BadCodeLengths, "T-03");        // Kraft sum below one
  expect({3, 5, 0x11, 0x01}, Code::BadCodeLengths, "T-03");        // above one
}

}  // namespace
}  // namespace dcf::impl::codec
