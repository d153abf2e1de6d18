// SPDX-License-Identifier: Apache-2.0
// Grid and trellis values: the examples of section 8.4 byte by byte, the rules it can break, and
// words for runs, units and ranges of all kinds.
#include "model/grid_values.h"

#include <bit>
#include <random>

#include "base/float_convert.h"
#include "hand_made.h"
#include "model/decode.h"

namespace dcf::impl::model {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

Sample grid_example() {
  Sample s;
  s.dims = {2, 4};
  for (const float value : {0.5F, -1.0F, 0.0F, 3.0F, 2.0F, 0.25F, -0.25F, 0.0F}) {
    s.words.push_back(float_word(value));
  }
  s.encoding = encoding(format::Positions::kDense, format::Values::kGrid);
  s.encoding.grid_run = 4;
  s.encoding.grid_units = 2;
  s.scales = {0.5F, 0.25F};
  return s;
}
const Blob kScales = {0, 0, 0, 0x3F, 0, 0, 0x80, 0x3E};
const Blob kGridExample = {0, 2, 5, 0, 12, 16, 2, 3, 0};

TEST(GridValues, TheExampleOfTheSpecification) {
  const FileParts parts = make_parts({grid_example()});
  EXPECT_EQ(parts.chunks[0], kGridExample);
  EXPECT_EQ(parts.tables, kScales);
  EXPECT_EQ(parts.header.features, format::kGridValues);
  const Status s = check_bytes(assemble(parts));
  EXPECT_TRUE(s.ok()) << s.rule << s.message;
}

TEST(GridValues, StreamOfAChunk) {
  const Sample s = grid_example();
  expect_chunk(s, kGridExample, {0, 2, 5, 0, 12, 16, 2, 3}, Code::BadBitstream, "S-02");
  expect_chunk(s, kGridExample, {0, 2, 5, 0, 12, 16, 2, 3, 0, 9}, Code::BadBitstream, "K-04");
  expect_chunk(s, kGridExample, {0, 2, 5, 0, 12, 16, 2, 3, 228}, Code::BadIndex, "S-07");
  expect_chunk(s, kGridExample, {2, 2, 5, 0, 12, 16, 2, 3, 0}, Code::BadBitstream, "S-05");
}

TEST(GridValues, V04_Parameters) {
  const auto check = [](uint32_t run, uint32_t units, uint64_t elements) {
    format::Encoding e = encoding(format::Positions::kDense, format::Values::kGrid);
    e.grid_run = run;
    e.grid_units = units;
    return format::check_encoding(e, DType::kF16, elements);
  };
  EXPECT_TRUE(check(1, 1, 1).ok());
  EXPECT_TRUE(check(3, 5, 17).ok());
  EXPECT_TRUE(check(UINT32_MAX, 1, kMaxElements).ok());
  for (const Status& s : {check(0, 1, 4), check(1, 0, 4), check(2, 2, 3), check(5, 1, 4),
                          check(UINT32_MAX, UINT32_MAX, kMaxElements)}) {
    EXPECT_EQ(s.code, Code::BadManifest);
    EXPECT_STREQ(s.rule, "V-04");
  }
}

TEST(GridValues, V05_T06_Scales) {
  FileParts parts = make_parts({grid_example()});
  const auto expect = [&](Code code, const char* rule) {
    const Blob file = assemble(parts);
    const Status s = check_bytes(file);
    EXPECT_EQ(s.code, code) << s.message;
    EXPECT_STREQ(s.rule, rule) << s.message;
    EXPECT_EQ(s.offset, format::kHeaderBytes + load_le<uint64_t>(&file[32]));
  };
  for (const uint32_t word : {0x80000000u, 0x80000001u, 0xBE800000u, 0x7F800000u, 0xFF800000u,
                              0x7FC00000u, 0x7F800001u}) {
    store_le(&parts.tables[4], word);
    expect(Code::BadCodebook, "V-05");
  }
  for (const uint32_t word : {1u, 0x7F7FFFFFu}) {
    store_le(&parts.tables[4], word);
    EXPECT_TRUE(check_bytes(assemble(parts)).ok());
  }
  while (!parts.tables.empty()) {
    parts.tables.pop_back();
    expect(Code::BadSection, "T-06");
  }
}

// The memory of the scales is asked for before it is taken, and the section must have them.
TEST(GridValues, ScalesThatTheSectionLacks) {
  Sample s = grid_example();
  s.dims = {uint64_t{1} << 10, uint64_t{1} << 10};
  s.words.assign(uint64_t{1} << 20, 0);
  FileParts parts = make_parts({s});
  parts.columns.params = {1, 0, 0, 0, 0, 0, 16, 0};  // 2^20 units
  Limits limits;
  limits.max_memory = uint64_t{2} << 20;
  const Status small = check_bytes(assemble(parts), 1, limits);
  EXPECT_EQ(small.code, Code::LimitMemory);
  EXPECT_STREQ(small.rule, "L-01");
  const Status s2 = check_bytes(assemble(parts));
  EXPECT_STREQ(s2.rule, "T-06");
}

Sample trellis_example() {
  Sample s;
  s.dims = {1, 6};
  for (const float value : {1.0F, -1.5F, 2.0F, 0.5F, -1.0F, 3.0F}) {
    s.words.push_back(float_word(value));
  }
  s.encoding = encoding(format::Positions::kDense, format::Values::kTrellis);
  s.encoding.grid_run = 1;
  s.encoding.grid_units = 1;
  s.scales = {0.5F};
  return s;
}
const Blob kTrellisExample = {0, 2, 3, 4, 0, 1, 6};

void expect_words_back(const Sample& sample) {
  const Blob file = make_file({sample});
  Result<std::unique_ptr<Model>> model = open_bytes(file, 1);
  ASSERT_TRUE(model.ok()) << model.status().rule << ": " << model.status().message;
  Blob out(dense_bytes(sample).size());
  const Status s = decode_elements(*model.value(), 0, DType::kNone, 0, sample.words.size(), out);
  EXPECT_TRUE(s.ok()) << s.rule << ": " << s.message;
  EXPECT_EQ(out, dense_bytes(sample));
}

TEST(TrellisValues, TheExampleOfTheSpecification) {
  const FileParts parts = make_parts({trellis_example()});
  EXPECT_EQ(parts.chunks[0], kTrellisExample);
  EXPECT_EQ(parts.header.features, format::kTrellisValues);
  expect_words_back(trellis_example());
}

TEST(TrellisValues, StreamOfAChunk) {
  const Sample s = trellis_example();
  expect_chunk(s, kTrellisExample, {0, 2, 3, 4, 0, 1}, Code::BadBitstream, "S-02");
  expect_chunk(s, kTrellisExample, {0, 2, 3, 4, 0, 1, 6, 0}, Code::BadBitstream, "K-04");
  expect_chunk(s, kTrellisExample, {0, 2, 3, 4, 0, 1, 196}, Code::BadIndex, "S-07");
}

TEST(TrellisValues, OffsetsOfRowsOfAllLengths) {
  std::mt19937 random(8);
  for (int round = 0; round < 400; ++round) {
    const uint32_t cols = 1 + random() % (round % 3 == 0 ? 20 : 1500);
    std::vector<uint32_t> numbers(1 + random() % 4000);
    for (uint32_t& number : numbers) {
      number = static_cast<uint32_t>(random()) >> (random() % 4 == 0 ? 8 : 24);
    }
    std::vector<uint32_t> integers = numbers;
    trellis_integers(cols, integers);
    std::vector<int64_t> k(numbers.size());
    std::vector<int64_t> offset(numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) {
      const size_t c = i % cols;
      k[i] = numbers[i] % 2 == 0 ? numbers[i] / 2 : -int64_t{numbers[i] / 2} - 1;
      if (c > 0) offset[i] = ((c > 1 ? offset[i - 2] : 0) ^ (k[i - 1] & 1)) & 1;
      const int64_t q = 2 * k[i] + offset[i];
      ASSERT_EQ(integers[i], static_cast<uint32_t>(std::abs(q)) << 1 | (q < 0 ? 1 : 0))
          << "element " << i << " of rows of " << cols;
    }
  }
}

// Of chunks and views of all kinds, with both offsets.
TEST(TrellisValues, RoundTrips) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const format::View view : {format::View{}, format::View{7, false}, format::View{24, true},
                                    format::View{105, false}}) {
      Sample s = random_sample(dtype, {24, 35}, trellis_example().encoding, 1);
      s.view = view;
      s.rows_per_chunk = view.transposed ? 0 : 3;
      make_trellis(&s, view.cols);
      SCOPED_TRACE(dtype_name(dtype));
      expect_words_back(s);
    }
  }
}

TEST(GridValues, WordsOfAllRunsAndUnits) {
  std::mt19937 random(5);
  for (int round = 0; round < 600; ++round) {
    format::Tensor t;
    t.dtype = round % 3 == 0 ? DType::kF32 : round % 3 == 1 ? DType::kF16 : DType::kBF16;
    t.bits = dtype_bits(t.dtype);
    t.encoding.values = format::Values::kGrid;
    t.encoding.grid_run =
        static_cast<uint32_t>(round % 4 == 0 ? 1 : 1 + random() % (round % 4 == 1 ? 9 : 3000));
    t.encoding.grid_units = static_cast<uint32_t>(1 + random() % (round % 5 == 0 ? 1 : 700));
    std::vector<float> scales(t.encoding.grid_units);
    for (float& scale : scales) {
      // Products of all magnitudes: subnormal in f16, or in f32, or infinite.
      const auto bits = static_cast<uint32_t>(random());
      scale = std::bit_cast<float>(random() % 4 == 0 ? bits % 0x7F800000
                                                     : 0x33000000 + bits % 0x10000000);
    }
    const uint64_t first = random() % 9000;
    std::vector<uint32_t> numbers(1 + random() % 5000);
    for (uint32_t& number : numbers) {
      number = static_cast<uint32_t>(random()) >> (random() % 4 == 0 ? 0 : 24);
    }
    const size_t width = t.bits / 8;
    Blob words(numbers.size() * width);
    grid_words(t, scales, first, numbers, words.data());
    for (size_t i = 0; i < numbers.size(); ++i) {
      const float scale = scales[(first + i) / t.encoding.grid_run % t.encoding.grid_units];
      const float product = static_cast<float>(numbers[i] >> 1) * scale;
      ASSERT_EQ(load_word(&words[i * width], width),
                double_to_word(t.dtype, double{numbers[i] % 2 == 1 ? -product : product}))
          << dtype_name(t.dtype) << " " << numbers[i] << " * " << scale;
    }
  }
}

}  // namespace
}  // namespace dcf::impl::model
