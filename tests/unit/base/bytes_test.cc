// SPDX-License-Identifier: Apache-2.0
// The checked cursor, checked arithmetic, UTF-8, the checksum's two forms, parallel loops, dtype
// facts.
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string_view>
#include <vector>

#include "base/checked.h"
#include "base/dtype.h"
#include "base/hash.h"
#include "base/utf8.h"

namespace dcf::impl {
namespace {

TEST(ByteReader, AFailedReadLeavesTheCursor) {
  const std::vector<uint8_t> data = {1, 2, 3};
  ByteReader in(data);
  Bytes out;
  EXPECT_FALSE(in.read_bytes(4, &out));
  EXPECT_FALSE(in.read_bytes(UINT64_MAX, &out));
  EXPECT_EQ(in.position(), 0u);
  EXPECT_TRUE(in.read_bytes(3, &out));
  uint8_t byte = 0;
  EXPECT_FALSE(in.read_u8(&byte));
}

TEST(ByteReader, VarintsRoundTripInTheirShortestFormOnly) {
  for (const uint32_t v :
       {0u, 1u, 127u, 128u, 16383u, 16384u, 0x0FFFFFFFu, 0x10000000u, UINT32_MAX}) {
    std::vector<uint8_t> out;
    append_varint(&out, v);
    ByteReader in(out);
    uint32_t back = 0;
    ASSERT_TRUE(in.read_varint(&back));
    EXPECT_EQ(back, v);
    EXPECT_EQ(in.remaining(), 0u);
    out.pop_back();
    ByteReader cut(out);
    EXPECT_FALSE(cut.read_varint(&back));
  }
  for (const std::vector<uint8_t>& bad : {std::vector<uint8_t>{0x80, 0x00},
                                          {0xFF, 0xFF, 0xFF, 0xFF, 0x10},
                                          {0x80, 0x80, 0x80, 0x80, 0x80, 0x01}}) {
    ByteReader in(bad);
    uint32_t v = 0;
    EXPECT_FALSE(in.read_varint(&v));
    EXPECT_EQ(in.position(), 0u);
  }
}

TEST(Checked, RefusesWhatDoesNotFit) {
  uint64_t out = 0;
  EXPECT_FALSE(checked_add(UINT64_MAX, 1, &out));
  EXPECT_FALSE(checked_mul(uint64_t{1} << 32, uint64_t{1} << 32, &out));
  EXPECT_TRUE(checked_mul(UINT32_MAX, UINT32_MAX, &out));
  EXPECT_EQ(ceil_div(UINT64_MAX, 2), uint64_t{1} << 63);
}

TEST(Utf8, AcceptsWellFormedTextOnly) {
  for (const char* good : {"", "abc", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                           "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(bytes_of(good))) << good;
  }
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xFF"}) {
    EXPECT_FALSE(is_utf8(bytes_of(bad)));
  }
}

TEST(Hash, PiecesAndWholeAgreeAndNothingIsZero) {
  std::vector<uint8_t> data(1000);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i * 7);
  Hasher hasher;
  hasher.update(Bytes(data).first(1));
  hasher.update({});
  hasher.update(Bytes(data).subspan(1));
  EXPECT_EQ(hasher.digest(), hash_bytes(data));
  EXPECT_EQ(hash_bytes({}), 0u);
  EXPECT_EQ(Hasher().digest(), 0u);
  EXPECT_EQ(hash_bytes(bytes_of("a")), 0xE6C632B61E964E1Fu);  // a published value of XXH3-64
}

TEST(DType, CodebookKeysSortByValueAndAreInvertible) {
  EXPECT_LT(codebook_key(DType::kF32, 0xBF800000),
            codebook_key(DType::kF32, 0x80000000));  // -1, -0
  EXPECT_LT(codebook_key(DType::kF32, 0x80000000),
            codebook_key(DType::kF32, 0x00000000));  // -0, +0
  EXPECT_LT(codebook_key(DType::kF32, 0x00000000), codebook_key(DType::kF32, 0x3F800000));  // +0, 1
  EXPECT_LT(codebook_key(DType::kI8, 0x80), codebook_key(DType::kI8, 0x00));
  EXPECT_LT(codebook_key(DType::kU8, 0x00), codebook_key(DType::kU8, 0x80));
  for (const DType t : {DType::kF16, DType::kI16, DType::kU16}) {
    for (uint64_t word = 0; word < 65536; ++word)
      ASSERT_EQ(codebook_word(t, codebook_key(t, word)), word);
  }
}

}  // namespace
}  // namespace dcf::impl
