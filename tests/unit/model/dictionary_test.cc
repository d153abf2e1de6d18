// SPDX-License-Identifier: Apache-2.0
// Dictionaries: their bytes, the rules they can break, codes and codebook, and their memory.
#include <numeric>

#include "base/limits.h"
#include "hand_made.h"
#include "model/codes.h"
#include "model/model.h"

namespace dcf::impl::model {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

// Words of u16 and a codebook of 0 to K - 1.
Sample counted(uint64_t k, std::vector<uint64_t> words, std::vector<uint64_t> dims = {}) {
  Sample s;
  s.dtype = DType::kU16;
  s.dims = dims.empty() ? std::vector<uint64_t>{words.size()} : std::move(dims);
  s.words = std::move(words);
  s.encoding = encoding(format::Positions::kDense, format::Values::kDictionary);
  s.more_codes.resize(k);
  std::iota(s.more_codes.begin(), s.more_codes.end(), 0);
  return s;
}

TEST(Dictionary, TheExampleOfTheSpecification) {
  const Sample s = counted(1000, {999, 0});
  const FileParts parts = make_parts({s});
  EXPECT_EQ(parts.chunks[0], (Blob{0, 249, 0, 3}));
  EXPECT_EQ(parts.columns.params, (Blob{0xE7, 0x03}));
  EXPECT_EQ(parts.header.features, format::kDictionaries);
  format::Encoding e = s.encoding;
  e.palette_size = 1000;
  EXPECT_EQ(e.index_bits(), 2u);
  EXPECT_EQ(format::roles_of(e, DType::kU16).list[0].alphabet, 250u);
}

TEST(Dictionary, RulesOfAChunk) {
  const Sample s = counted(257, {256, 0});
  const Blob good = {0, 0x80, 0, 0};
  expect_chunk(s, good, {0, 0x80, 0, 1}, Code::BadIndex, "V-06");
  expect_chunk(s, good, {0, 0x80, 0, 4}, Code::BadBitstream, "S-02");
  expect_chunk(s, good, {0, 0x80, 0}, Code::BadBitstream, "S-02");
  expect_chunk(s, good, {0, 0x80, 0, 0, 0}, Code::BadBitstream, "K-04");
  expect_chunk(s, good, {0, 0x81, 0, 0}, Code::BadIndex, "S-07");
}

TEST(Dictionary, Parameters) {
  format::Encoding e = encoding(format::Positions::kDense, format::Values::kDictionary);
  for (const auto& [size, valid] : {std::pair{0u, false},
                                    {1u, false},
                                    {256u, false},
                                    {257u, true},
                                    {65536u, true},
                                    {65537u, false}}) {
    e.palette_size = size;
    const Status s = format::check_encoding(e, DType::kF32, 8);
    EXPECT_EQ(s.ok(), valid) << size;
    if (!valid) EXPECT_STREQ(s.rule, "V-01");
  }
  e.palette_size = 300;
  EXPECT_STREQ(format::check_encoding(e, DType::kU8, 8).rule, "M-14");
  EXPECT_STREQ(format::check_encoding(e, DType::kF8E4M3, 8).rule, "M-14");
  EXPECT_STREQ(format::check_encoding(e, DType::kC64, 8).rule, "M-14");
  e.positions = format::Positions::kBitmap;
  EXPECT_STREQ(format::check_encoding(e, DType::kF32, 8).rule, "M-14");
}

TEST(Dictionary, CodesAreIndices) {
  for (const bool transposed : {false, true}) {
    std::vector<uint64_t> words(600);
    for (size_t i = 0; i < words.size(); ++i) words[i] = i * 13 % 599;
    Sample s = counted(700, words, {20, 30});
    if (transposed) s.view = {20, true};
    s.rows_per_chunk = 7;
    const Blob file = make_file({s});
    const auto model = open_bytes(file);
    ASSERT_TRUE(model.ok());
    std::vector<uint16_t> codes(words.size());
    ASSERT_TRUE(decode_codes(*model.value(), 0, codes).ok());
    EXPECT_TRUE(std::equal(codes.begin(), codes.end(), words.begin()));
  }
}

// A word takes one bit of the file, and memory that is asked for before it is taken.
TEST(Dictionary, ItsMemoryIsWithinTheLimit) {
  const FileParts parts = make_parts({counted(65536, {1, 2, 3})});
  EXPECT_LT(parts.tables.size(), 8200u);
  const Blob file = assemble(parts);
  Limits limits;
  limits.max_memory = uint64_t{400} << 10;
  const auto model = open_bytes(file, 1, limits);
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.status().code, Code::LimitMemory);
  EXPECT_STREQ(model.status().rule, "L-01");
  limits.max_memory = uint64_t{700} << 10;
  EXPECT_TRUE(open_bytes(file, 1, limits).ok());
}

// 65,536 words that a short section cannot have.
TEST(Dictionary, ACodebookThatEndsTooSoon) {
  FileParts parts = make_parts({counted(257, {1, 2, 3})});
  parts.columns.params = {0xFF, 0xFF};
  const Status s = check_bytes(assemble(parts));
  EXPECT_EQ(s.code, Code::BadSection);
  EXPECT_STREQ(s.rule, "T-06");
}

}  // namespace
}  // namespace dcf::impl::model
