// SPDX-License-Identifier: Apache-2.0
// Classes: the example of section 7.6 byte by byte, the rules it can break, and the order of
// elements for runs, units and ranges of all kinds.
#include "model/class_order.h"

#include <random>

#include "hand_made.h"

namespace dcf::impl::model {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

Sample class_example() {
  Sample s;
  s.dtype = DType::kU8;
  s.dims = {2, 4};
  s.words = {5, 0, 6, 1, 7, 1, 4, 0};
  s.encoding = encoding(format::Positions::kDense, format::Values::kInt);
  s.encoding.classes = 2;
  s.encoding.class_run = 1;
  s.encoding.class_units = 4;
  s.class_map = {1, 0, 1, 0};
  return s;
}
const Blob kClassExample = {0, 0, 1, 1, 0, 0, 5, 6, 7, 4};

TEST(Classes, TheExampleOfTheSpecification) {
  const FileParts parts = make_parts({class_example()});
  EXPECT_EQ(parts.chunks[0], kClassExample);
  EXPECT_EQ(parts.tables, (Blob{0, 0x05}));
  EXPECT_EQ(parts.header.features, format::kClassMaps);
  const Status s = check_bytes(assemble(parts));
  EXPECT_TRUE(s.ok()) << s.rule << s.message;
}

// The example of section 8.2.
Sample zeros_example() {
  Sample s;
  s.dtype = DType::kF16;
  s.dims = {2, 2};
  s.words = {0x3E00, 0x3D00, 0xBE00, 0x3C80};
  s.encoding = encoding(format::Positions::kDense, format::Values::kClassSplit);
  s.encoding.split_t = 5;
  s.encoding.classes = 2;
  s.encoding.class_run = 1;
  s.encoding.class_units = 2;
  s.class_map = {1, 0};
  return s;
}
const Blob kZerosExample = {1, 0, 1, 0, 0x24, 0x0E};

TEST(Classes, ZeroBitsByClassAsInTheSpecification) {
  const FileParts parts = make_parts({zeros_example()});
  EXPECT_EQ(parts.chunks[0], kZerosExample);
  EXPECT_EQ(Blob(parts.columns.params.begin() + 9, parts.columns.params.end()),
            (Blob{5, 7, 9, 15, 0, 0}));
  EXPECT_EQ(parts.header.features, format::kClassMaps | format::kClassZeros);
  const Status s = check_bytes(assemble(parts));
  EXPECT_TRUE(s.ok()) << s.rule << s.message;
}

TEST(Classes, FieldsOfEachClassEndInTheirOwnByte) {
  const Sample s = zeros_example();
  expect_chunk(s, kZerosExample, {1, 0, 1, 0, 0x24}, Code::BadBitstream, "S-02");
  expect_chunk(s, kZerosExample, {1, 0, 1, 0, 0x24, 0x1E}, Code::BadBitstream, "S-02");
  expect_chunk(s, kZerosExample, {1, 0, 1, 0, 0x24, 0x0E, 0}, Code::BadBitstream, "K-04");
}

TEST(Classes, ZeroBitsOfAClassLeaveRoom) {
  format::Encoding e = encoding(format::Positions::kDense, format::Values::kClassSplit);
  e.split_t = 8;
  e.split_symbols = 2;
  EXPECT_STREQ(format::check_encoding(e, DType::kF32, 8).rule, "M-14");  // without classes
  e.classes = 2;
  e.class_run = 1;
  e.class_units = 2;
  e.class_z = {23, 0};
  EXPECT_TRUE(format::check_encoding(e, DType::kF32, 8).ok());
  EXPECT_STREQ(format::check_encoding(e, DType::kF8E4M3, 8).rule, "M-14");
  EXPECT_STREQ(format::check_encoding(e, DType::kF16, 8).rule, "V-01");
  e.class_z = {0, 24};
  EXPECT_STREQ(format::check_encoding(e, DType::kF32, 8).rule, "V-01");
  e.class_z = {0, 0, 24};  // of no class
  EXPECT_TRUE(format::check_encoding(e, DType::kF32, 8).ok());
}

TEST(Classes, StreamsOfAChunk) {
  const Sample s = class_example();
  expect_chunk(s, kClassExample, {0, 0, 1, 1, 0, 0, 5, 6, 7}, Code::BadBitstream, "S-02");
  expect_chunk(s, kClassExample, {0, 0, 1, 1, 0, 0, 5, 6, 7, 4, 9}, Code::BadBitstream, "K-04");
  expect_chunk(s, kClassExample, {0, 0, 1, 1, 0, 2, 5, 6, 7, 4}, Code::BadBitstream, "S-05");
  expect_chunk(s, kClassExample, {0, 0, 1, 1, 0, 4, 5, 6, 7, 4}, Code::UnsupportedEncoding, "S-01");
}

TEST(Classes, P07_Parameters) {
  const auto check = [](uint16_t classes, uint32_t run, uint32_t units, uint64_t elements) {
    format::Encoding e = encoding(format::Positions::kDense, format::Values::kInt);
    e.classes = classes;
    e.class_run = run;
    e.class_units = units;
    return format::check_encoding(e, DType::kU8, elements);
  };
  EXPECT_TRUE(check(2, 1, 2, 2).ok());
  EXPECT_TRUE(check(16, 3, 1u << 20, uint64_t{3} << 20).ok());
  for (const Status& s :
       {check(1, 1, 2, 2), check(17, 1, 2, 2), check(256, 1, 2, 2), check(2, 0, 2, 2),
        check(2, 1, 1, 2), check(2, 1, 0, 2), check(2, 1, 3, 2), check(2, 2, 2, 3),
        check(2, 1, (1u << 20) + 1, 1u << 21), check(2, UINT32_MAX, 1u << 20, kMaxElements)}) {
    EXPECT_EQ(s.code, Code::BadManifest);
    EXPECT_STREQ(s.rule, "P-07");
  }
}

TEST(Classes, RawAndPaletteHaveNone) {
  for (const format::Values values : {format::Values::kRaw, format::Values::kPalette}) {
    format::Encoding e = encoding(format::Positions::kDense, values);
    e.palette_size = values == format::Values::kPalette ? 2 : 0;
    e.classes = 2;
    e.class_run = 1;
    e.class_units = 2;
    EXPECT_STREQ(format::check_encoding(e, DType::kU8, 8).rule, "M-14");
  }
}

// The symbols class by class, then the extra bits of all in the order of the elements: 200 is
// symbol 130 with the extra bits 8 of 5, 300 is 132 with 44 of 6.
TEST(Classes, OfNumbersInTheBucketCode) {
  Sample s = class_example();
  s.dtype = DType::kU16;
  s.words = {5, 200, 6, 300, 7, 1, 4, 0};
  const Blob expected = {0, 130, 132, 1, 0, 0, 5, 6, 7, 4, 0x88, 0x05};
  const FileParts parts = make_parts({s});
  EXPECT_EQ(parts.chunks[0], expected);
  EXPECT_EQ(parts.header.features, format::kClassMaps | format::kDeltaValues);
  expect_chunk(s, expected, {0, 130, 132, 1, 0, 0, 5, 6, 7, 4, 0x88, 0x0D}, Code::BadBitstream,
               "S-02");
  expect_chunk(s, expected, {0, 130, 132, 1, 0, 0, 5, 6, 7, 4, 0x88}, Code::BadBitstream, "S-02");
  FileParts without = parts;
  without.header.features = format::kClassMaps;
  const Status status = check_bytes(assemble(without));
  EXPECT_EQ(status.code, Code::BadManifest);
  EXPECT_STREQ(status.rule, "M-16");
  EXPECT_EQ(status.offset, format::kHeaderBytes);
}

TEST(Classes, SymbolsReturnToTheirElements) {
  std::mt19937 random(5);
  for (int round = 0; round < 400; ++round) {
    format::Encoding e;
    e.classes = static_cast<uint16_t>(2 + random() % 15);
    e.class_run = random() % 2 == 0 ? 1 : 1 + random() % 40;
    e.class_units = 2 + random() % (random() % 2 == 0 ? 12 : 700);
    Blob map(e.class_units);
    for (uint8_t& c : map) c = static_cast<uint8_t>(random() % e.classes);
    const uint64_t first = random() % 5000;
    Blob elements(1 + random() % 40000);
    for (uint8_t& symbol : elements) symbol = static_cast<uint8_t>(random());
    Blob grouped;
    ClassOrder::Counts counts{};
    for (uint8_t c = 0; c < e.classes; ++c) {
      for (size_t i = 0; i < elements.size(); ++i) {
        if (map[(first + i) / e.class_run % e.class_units] != c) continue;
        grouped.push_back(elements[i]);
        ++counts[c];
      }
    }
    const size_t width = size_t{1} << random() % 4;
    const auto widened = [&](const Blob& symbols) {
      Blob words(symbols.size() * width);
      for (size_t i = 0; i < words.size(); ++i)
        words[i] = static_cast<uint8_t>(symbols[i / width] + i % width * 50);
      return words;
    };
    Blob words = widened(grouped);
    for (size_t i = 0; i < kSpreadSlack; ++i) words.push_back(static_cast<uint8_t>(random()));
    std::vector<const SpreadKernels*> families = available_spread_kernels();
    families.push_back(nullptr);
    for (const SpreadKernels* const kernels : families) {
      const ClassOrder order(e, map, kernels);
      EXPECT_EQ(order.count(first, static_cast<uint32_t>(elements.size())), counts);
      Blob spread(elements.size() * width);
      order.spread(first, width, words, spread);
      ASSERT_EQ(spread, widened(elements))
          << e.class_run << " " << e.class_units << " " << first << " "
          << (kernels == nullptr ? "-" : cpu_set_name(kernels->set));
    }
  }
}

}  // namespace
}  // namespace dcf::impl::model
