// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "codec/bit_writer.h"
#include "samples.h"

namespace dcf::impl::codec {
namespace {

using testing::Random;

TEST(Bits, FieldsOfEveryWidthReadBack) {
  Random random(1);
  for (unsigned round = 0; round < 200; ++round) {
    std::vector<std::pair<uint64_t, unsigned>> fields;
    for (unsigned width = 0; width <= 64; ++width) {
      fields.emplace_back(random() & low_mask(width), width);
    }
    std::shuffle(fields.begin(), fields.end(), random);
    std::vector<uint8_t> bytes;
    BitWriter writer(&bytes);
    for (const auto& [value, width] : fields) writer.put(value, width);
    writer.finish();
    BitReader reader(bytes);
    for (const auto& [value, width] : fields) ASSERT_EQ(reader.read(width), value) << width;
    EXPECT_TRUE(reader.finish());
  }
}

TEST(Bits, TheFirstBitIsBitZeroOfTheFirstByte) {
  std::vector<uint8_t> bytes;
  BitWriter writer(&bytes);
  writer.put(1, 1);
  writer.put(0b10, 2);
  writer.put(0x1FF, 9);
  writer.finish();
  EXPECT_EQ(bytes, (std::vector<uint8_t>{0xFD, 0x0F}));
}

TEST(Bits, TheEndMustBeExact) {
  const std::vector<uint8_t> bytes = {0xFF, 0x07};
  const auto finishes = [&](unsigned bits, size_t size) {
    BitReader reader(Bytes(bytes).first(size));
    reader.skip(bits);
    return reader.finish();
  };
  EXPECT_TRUE(finishes(11, 2));
  EXPECT_TRUE(finishes(16, 2));
  EXPECT_FALSE(finishes(10, 2)) << "padding is not zero";
  EXPECT_FALSE(finishes(8, 2)) << "a byte is left";
  EXPECT_FALSE(finishes(17, 2)) << "past the end";
  EXPECT_TRUE(finishes(8, 1));
  EXPECT_FALSE(finishes(9, 1));
  EXPECT_TRUE(finishes(0, 0));
}

TEST(Bits, ReadingPastTheEndGivesZerosAndIsNoticed) {
  const std::vector<uint8_t> bytes = {0xFF, 0xFF, 0xFF};
  BitReader reader(bytes);
  EXPECT_EQ(reader.read(64), 0xFFFFFFu);
  EXPECT_TRUE(reader.overrun());
  EXPECT_EQ(reader.read(57), 0u);
}

template <typename T>
void check_unpack(Random& random, unsigned width, size_t n) {
  std::vector<T> values(n);
  for (T& v : values) v = static_cast<T>(random() & low_mask(width));
  std::vector<uint8_t> bytes;
  pack_bits<T>(values, width, &bytes);
  ASSERT_EQ(bytes.size(), packed_size(n, width));
  std::vector<T> out(n);
  ASSERT_TRUE(unpack_bits<T>(bytes, width, out));
  ASSERT_EQ(out, values) << width;
  if (n * width % 8 != 0) {
    bytes.back() |= 0x80;
    EXPECT_FALSE(unpack_bits<T>(bytes, width, out));
  }
}

TEST(Bits, BulkFieldsOfEveryWidth) {
  Random random(2);
  for (const size_t n : {0, 1, 7, 8, 9, 63, 64, 65, 1000}) {
    for (unsigned width = 0; width <= 64; ++width) {
      if (width <= 8) check_unpack<uint8_t>(random, width, n);
      if (width <= 16) check_unpack<uint16_t>(random, width, n);
      if (width <= 32) check_unpack<uint32_t>(random, width, n);
      check_unpack<uint64_t>(random, width, n);
    }
  }
}

TEST(Bits, VarintSize) {
  for (const uint32_t v : {0u, 127u, 128u, 16383u, 16384u, UINT32_MAX}) {
    std::vector<uint8_t> bytes;
    append_varint(&bytes, v);
    EXPECT_EQ(varint_size(v), bytes.size());
  }
}

}  // namespace
}  // namespace dcf::impl::codec
