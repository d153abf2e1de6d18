// SPDX-License-Identifier: Apache-2.0
// Delta values: the example of section 8.5 byte by byte, the rules they can break, keys of floats,
// and every width, view and unit against the second decoder.
#include "model/row_delta.h"

#include <algorithm>
#include <random>

#include "format/header.h"
#include "hand_made.h"

namespace dcf::impl::model {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

format::Encoding delta(std::vector<uint32_t> distances, uint32_t run, uint32_t units) {
  format::Encoding e = encoding(format::Positions::kDense, format::Values::kDelta);
  e.distance_count = static_cast<uint8_t>(distances.size());
  std::copy(distances.begin(), distances.end(), e.distances.begin());
  e.delta_run = run;
  e.delta_units = units;
  return e;
}

Sample delta_example() {
  Sample s;
  s.dtype = DType::kU16;
  s.dims = {8};
  s.words = {10, 20, 11, 23, 12, 26, 13, 29};
  s.encoding = delta({2}, 1, 1);
  s.predictors = {1};
  return s;
}
const Blob kDeltaExample = {0, 20, 40, 2, 6, 2, 6, 2, 6};

TEST(RowDelta, TheExampleOfTheSpecification) {
  const FileParts parts = make_parts({delta_example()});
  EXPECT_EQ(parts.chunks[0], kDeltaExample);
  EXPECT_EQ(parts.tables, (Blob{1, 1}));
  EXPECT_EQ(parts.header.features, format::kDeltaValues);
  const Status s = check_bytes(assemble(parts));
  EXPECT_TRUE(s.ok()) << s.rule << s.message;
}

TEST(RowDelta, StreamsOfAChunk) {
  const Sample s = delta_example();
  expect_chunk(s, kDeltaExample, {0, 20, 40, 2, 6, 2, 6, 2}, Code::BadBitstream, "S-02");
  expect_chunk(s, kDeltaExample, {0, 20, 40, 2, 6, 2, 6, 2, 6, 0}, Code::BadBitstream, "K-04");
  expect_chunk(s, kDeltaExample, {0, 20, 40, 2, 6, 2, 6, 2, 164}, Code::BadIndex, "S-07");
  expect_chunk(s, kDeltaExample, {2, 20, 40, 2, 6, 2, 6, 2, 6}, Code::BadBitstream, "S-05");
}

// A rule that the map of predictors breaks is reported at the map.
TEST(RowDelta, Predictors) {
  const auto expect = [](const Blob& map, Code code, const char* rule) {
    FileParts parts = make_parts({delta_example()});
    parts.tables = map;
    const Status s = check_bytes(assemble(parts));
    EXPECT_EQ(s.code, code) << s.message;
    EXPECT_STREQ(s.rule, rule);
    EXPECT_EQ(s.tensor, 0u);
  };
  expect({1, 2}, Code::BadIndex, "S-07");
  expect({1}, Code::BadBitstream, "S-02");
  expect({0, 1}, Code::NonCanonical, "S-06");
  expect({2, 1, 0}, Code::BadBitstream, "S-05");
  FileParts parts = make_parts({delta_example()});
  parts.header.features = 0;
  const Status s = check_bytes(assemble(parts));
  EXPECT_STREQ(s.rule, "M-16");
  EXPECT_EQ(s.offset, format::kHeaderBytes);
}

TEST(RowDelta, P08_Parameters) {
  constexpr uint32_t kMost = (1u << 20) - 1;
  const auto check = [](const format::Encoding& e, uint64_t elements) {
    return format::check_encoding(e, DType::kI16, elements);
  };
  EXPECT_TRUE(check(delta({1}, 1, 1), 1).ok());
  EXPECT_TRUE(check(delta({1, 2, 3, 4, 5, 6, 7, kMost}, 3, 1u << 20), uint64_t{3} << 20).ok());
  format::Encoding nine = delta({1}, 1, 1);
  nine.distance_count = 9;
  for (const Status& s : {check(delta({}, 1, 1), 8), check(nine, 8), check(delta({0}, 1, 1), 8),
                          check(delta({1, kMost + 1}, 1, 1), 8), check(delta({1}, 0, 1), 8),
                          check(delta({1}, 1, 0), 8), check(delta({1}, 3, 3), 8),
                          check(delta({1}, 1, (1u << 20) + 1), 1u << 21),
                          check(delta({1}, UINT32_MAX, 1u << 20), kMaxElements)}) {
    EXPECT_EQ(s.code, Code::BadManifest);
    EXPECT_STREQ(s.rule, "P-08");
  }
  format::Encoding sparse = delta({1}, 1, 1);
  sparse.positions = format::Positions::kBitmap;
  EXPECT_STREQ(check(sparse, 8).rule, "M-14");
  EXPECT_STREQ(format::check_encoding(delta({1}, 1, 1), DType::kF4, 8).rule, "M-14");
}

// The column holds up to eight distances; more are refused before they are read.
TEST(RowDelta, P08_TooManyDistances) {
  FileParts parts = make_parts({delta_example()});
  parts.columns.params[0] = 9;
  EXPECT_STREQ(check_bytes(assemble(parts)).rule, "P-08");
  parts.columns.params = {8, 1, 0, 0, 0};
  EXPECT_STREQ(check_bytes(assemble(parts)).rule, "M-03");
}

// Neighbours in the order of floats differ by one, across zero too: -0 comes before +0.
TEST(RowDelta, KeysOfFloats) {
  Sample s;
  s.dtype = DType::kF16;
  s.dims = {6};
  s.words = {0x8002, 0x8001, 0x8000, 0x0000, 0x0001, 0x0002};
  s.encoding = delta({1}, 1, 1);
  s.predictors = {1};
  const FileParts parts = make_parts({s});
  EXPECT_EQ(parts.chunks[0], (Blob{0, 5, 2, 2, 2, 2, 2}));
  EXPECT_TRUE(check_bytes(assemble(parts)).ok());
}

// Elements of all dtypes, rows and units, as the spec says it, one by one.
TEST(RowDelta, Undo) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    constexpr DType kDTypes[] = {DType::kU8,  DType::kF8E4M3, DType::kI16, DType::kBF16,
                                 DType::kU32, DType::kF32,    DType::kI64, DType::kF64};
    const DType dtype = kDTypes[round % 8];
    const unsigned bits = dtype_bits(dtype);
    const format::Encoding e = delta({1, 2 + static_cast<uint32_t>(random() % 9), 31},
                                     round % 3 == 0 ? 1 : 1 + static_cast<uint32_t>(random() % 50),
                                     1 + static_cast<uint32_t>(random() % 40));
    Blob predictors(e.delta_units);
    for (uint8_t& p : predictors) p = static_cast<uint8_t>(random() % 4);
    const auto cols = static_cast<uint32_t>(1 + random() % 80);
    const uint64_t first = random() % 1000 * cols;
    const size_t n = 1 + random() % 400;
    Blob words(n * bits / 8);
    for (uint8_t& byte : words) byte = static_cast<uint8_t>(random());
    std::vector<uint64_t> expected;
    for (size_t i = 0; i < n; ++i) {
      const unsigned p = predictors[(first + i) / e.delta_run % e.delta_units];
      const bool has = p != 0 && e.distances[p - 1] <= i % cols;
      const uint64_t before = has ? expected[i - e.distances[p - 1]] : 0;
      const uint64_t d = load_word(&words[i * bits / 8], bits / 8);
      const uint64_t mask = ~uint64_t{0} >> (64 - bits);
      expected.push_back(codebook_word(dtype, (codebook_key(dtype, before) + d) & mask));
    }
    RowDelta(e, predictors).undo(dtype, first, cols, words);
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(load_word(&words[i * bits / 8], bits / 8), expected[i]) << round << " " << i;
    }
  }
}

}  // namespace
}  // namespace dcf::impl::model
