// SPDX-License-Identifier: Apache-2.0
// Rules H-01 to H-06, H-08 and H-09: each broken once, each bit of a header flipped, each
// truncation. (H-07 needs a manifest: tests/unit/api.)
#include "format/header.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/hash.h"

namespace dcf::impl::format {
namespace {

using Raw = std::array<uint8_t, kHeaderBytes>;

Header sample() {
  Header h;
  h.minor = 7;
  h.file_size = 1000;
  h.manifest_size = 300;
  h.manifest_hash = 0x1122334455667788;
  return h;
}

void repair(Raw* raw) {
  store_le(raw->data() + 56, hash_bytes(Bytes(*raw).first(56)));
}

struct Expected {
  Code code;
  const char* rule;
  uint64_t offset;
};

void expect_failure(const Raw& raw, Expected expected, uint64_t file_size = 1000) {
  const Result<Header> h = parse_header(raw, file_size);
  ASSERT_FALSE(h.ok());
  EXPECT_EQ(h.status().code, expected.code);
  EXPECT_STREQ(h.status().rule, expected.rule);
  EXPECT_EQ(h.status().offset, expected.offset);
}

TEST(Header, RoundTrip) {
  const Raw raw = serialise_header(sample());
  const Result<Header> h = parse_header(raw, 1000);
  ASSERT_TRUE(h.ok());
  EXPECT_EQ(h.value().major, 0u);
  EXPECT_EQ(h.value().minor, 7u);
  EXPECT_EQ(h.value().features, 0u);
  EXPECT_EQ(h.value().file_size, 1000u);
  EXPECT_EQ(h.value().manifest_size, 300u);
  EXPECT_EQ(h.value().manifest_hash, 0x1122334455667788u);
}

TEST(Header, LayoutIsThatOfTheSpecification) {
  const Raw raw = serialise_header(sample());
  const uint8_t magic[] = {0x89, 0x44, 0x43, 0x46, 0x0D, 0x0A, 0x1A, 0x0A};
  EXPECT_TRUE(std::equal(std::begin(magic), std::end(magic), raw.begin()));
  EXPECT_EQ(load_le<uint16_t>(&raw[8]), 0u);
  EXPECT_EQ(load_le<uint16_t>(&raw[10]), 7u);
  EXPECT_EQ(load_le<uint32_t>(&raw[12]), 0u);
  EXPECT_EQ(load_le<uint64_t>(&raw[16]), 1000u);
  EXPECT_EQ(load_le<uint64_t>(&raw[24]), 64u);
  EXPECT_EQ(load_le<uint64_t>(&raw[32]), 300u);
  EXPECT_EQ(load_le<uint64_t>(&raw[40]), 0x1122334455667788u);
  EXPECT_EQ(load_le<uint64_t>(&raw[48]), 0u);
  EXPECT_EQ(load_le<uint64_t>(&raw[56]), hash_bytes(Bytes(raw).first(56)));
}

TEST(Header, EveryFlippedBitIsFound) {
  for (size_t bit = 0; bit < 8 * kHeaderBytes; ++bit) {
    Raw raw = serialise_header(sample());
    raw[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    if (bit < 64)
      expect_failure(raw, {Code::NotDcf, "H-01", 0});
    else
      expect_failure(raw, {Code::ChecksumMismatch, "H-02", 56});
  }
}

TEST(Header, EveryFlippedBitWithItsHashRepaired) {
  for (size_t bit = 64; bit < 8 * 56; ++bit) {
    Raw raw = serialise_header(sample());
    raw[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    repair(&raw);
    const size_t byte = bit / 8;
    const uint64_t file_size = load_le<uint64_t>(&raw[16]);
    if (byte < 10)
      expect_failure(raw, {Code::UnsupportedVersion, "H-03", 8});
    else if (byte < 12)
      EXPECT_TRUE(parse_header(raw, 1000).ok());  // a minor version is any
    else if (byte < 16 && (kKnownFeatures >> (bit - 96) & 1) != 0)
      EXPECT_TRUE(parse_header(raw, 1000).ok());
    else if (byte < 16)
      expect_failure(raw, {Code::UnsupportedFeature, "H-04", 12});
    else if (byte < 24 && file_size > 1000)
      expect_failure(raw, {Code::Truncated, "H-05", 1000});
    else if (byte < 24)
      expect_failure(raw, {Code::TrailingData, "H-09", file_size});
    else if (byte < 32)
      expect_failure(raw, {Code::BadHeader, "H-06", 24});
    else if (byte < 40 && load_le<uint64_t>(&raw[32]) > 936)
      expect_failure(raw, {Code::BadHeader, "H-06", 32});
    else if (byte < 48)
      EXPECT_TRUE(parse_header(raw, 1000).ok());  // the manifest does not fit; H-07
    else
      expect_failure(raw, {Code::BadHeader, "H-06", 48});
  }
}

TEST(Header, EveryTruncation) {
  const Raw raw = serialise_header(sample());
  for (size_t size = 0; size < kHeaderBytes; ++size) {
    const Result<Header> h = parse_header(Bytes(raw).first(size), size);
    ASSERT_FALSE(h.ok());
    EXPECT_EQ(h.status().code, size == 0 ? Code::NotDcf : Code::Truncated);
    EXPECT_STREQ(h.status().rule, size == 0 ? "H-01" : "H-08");
    EXPECT_EQ(h.status().offset, size);
  }
}

TEST(Header, OtherFilesAreNotDcf) {
  for (const char* text :
       {"\x89PNG\r\n\x1a\n", "PK\x03\x04", "hello, world", "\x80\x02}q", "\x89", "\n"}) {
    const Bytes bytes(reinterpret_cast<const uint8_t*>(text), std::strlen(text));
    const Result<Header> h = parse_header(bytes, bytes.size());
    ASSERT_FALSE(h.ok());
    EXPECT_EQ(h.status().code,
              *text == '\x89' && bytes.size() == 1 ? Code::Truncated : Code::NotDcf);
  }
}

TEST(Header, SizesAtTheEdgesOf64Bits) {
  for (const uint64_t size : {uint64_t{937}, uint64_t{1} << 63, ~uint64_t{0} - 63, ~uint64_t{0}}) {
    Header h = sample();
    h.manifest_size = size;
    expect_failure(serialise_header(h), {Code::BadHeader, "H-06", 32});
  }
  Header h = sample();
  h.manifest_size = 936;
  EXPECT_TRUE(parse_header(serialise_header(h), 1000).ok());
  h = sample();
  h.file_size = 63;
  expect_failure(serialise_header(h), {Code::TrailingData, "H-09", 63}, 64);
  h.file_size = ~uint64_t{0};
  expect_failure(serialise_header(h), {Code::Truncated, "H-05", 64}, 64);
}

TEST(Header, ChecksComeInTheOrderOfTheSpecification) {
  Raw raw = serialise_header(sample());
  raw[8] = 1;      // major
  raw[12] = 0x80;  // feature
  raw[16] ^= 1;    // size
  raw[24] = 0;     // manifest_offset
  raw[48] = 1;     // reserved
  expect_failure(raw, {Code::ChecksumMismatch, "H-02", 56});
  repair(&raw);
  expect_failure(raw, {Code::UnsupportedVersion, "H-03", 8});
  raw[8] = 0;
  repair(&raw);
  expect_failure(raw, {Code::UnsupportedFeature, "H-04", 12});
  raw[12] = 0;
  repair(&raw);
  expect_failure(raw, {Code::Truncated, "H-05", 1000});
  raw[16] ^= 1;
  store_le(&raw[32], ~uint64_t{0});  // manifest_size
  repair(&raw);
  expect_failure(raw, {Code::BadHeader, "H-06", 24});
  raw[24] = 64;
  repair(&raw);
  expect_failure(raw, {Code::BadHeader, "H-06", 48});
  raw[48] = 0;
  repair(&raw);
  expect_failure(raw, {Code::BadHeader, "H-06", 32});
}

}  // namespace
}  // namespace dcf::impl::format
