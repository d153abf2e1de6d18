// SPDX-License-Identifier: Apache-2.0
// Rules P-02 to P-06, V-02, S-01 to S-04, K-04: each broken by one byte of a chunk that is written
// down here, checksums repaired.
#include "hand_made.h"

namespace dcf::impl::model {

using format::Positions;
using format::Values;

namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

// Bitmap 2 x {0x02, 0x01}, codes {0, 1}.
Sample bitmap_sample() {
  return two_entries({3, 3}, 1, 8, encoding(Positions::kBitmap, Values::kPalette));
}
const Blob kBitmap = {0, 0x02, 0x01, 0, 0x02};

TEST(ChunkRules, P02_Bitmaps) {
  expect_chunk(bitmap_sample(), kBitmap, {0, 0x06, 0x01, 0, 0x02}, Code::BadPositions,
               "P-02");  // three ones
  expect_chunk(bitmap_sample(), kBitmap, {0, 0x02, 0x00, 0, 0x02}, Code::BadPositions,
               "P-02");  // one
  expect_chunk(bitmap_sample(), kBitmap, {0, 0x02, 0x02, 0, 0x02}, Code::BadPositions,
               "P-02");  // padding
}

// Entries at columns 1 and 8: gaps 1, 3 (a filler), 2; codes 1, 0, 2.
Sample gap_sample(uint64_t cols = 12) {
  return two_entries({1, cols}, 1, 8, encoding(Positions::kGap, Values::kPalette));
}
const Blob kGap = {0, 0x2D, 0, 0x21};

TEST(ChunkRules, P03_EntriesPerRow) {
  const Sample s = two_entries({2, 12}, 1, 8, encoding(Positions::kGap, Values::kPalette));
  const Blob good = {0, 3, 0, 0, 0x2D, 0, 0x21};
  expect_chunk(s, good, {0, 2, 0, 0, 0x2D, 0, 0x21}, Code::BadPositions, "P-03");
  expect_chunk(s, good, {0, 3, 1, 0, 0x2D, 0, 0x21}, Code::BadPositions, "P-03");
  // 191 is 2^22 and more, with 20 extra bits.
  expect_chunk(s, good, {0, 3, 191, 0, 0, 0, 0, 0x2D, 0, 0x21}, Code::BadPositions, "P-03");
}

TEST(ChunkRules, P04_GapsAndFillers) {
  const Blob beyond = {0, 0x3F, 0, 0x21};  // gaps 3, 3, 3: column 11
  expect_chunk(gap_sample(11), kGap, beyond, Code::BadPositions, "P-04");
  EXPECT_EQ(make_parts({gap_sample(12)}).chunks[0], kGap);
  expect_chunk(gap_sample(), kGap, {0, 0x29, 0, 0x21}, Code::BadPositions,
               "P-04");  // a filler of gap 2
  expect_chunk(gap_sample(), kGap, {0, 0x39, 0, 0x09}, Code::BadPositions,
               "P-04");  // one at the end of the row
  // Two rows: the filler is the last of the first row, not of the chunk.
  const Sample rows = two_entries({2, 12}, 1, 20, encoding(Positions::kGap, Values::kPalette));
  expect_chunk(rows, {0, 1, 3, 0, 0x3D, 0, 0x81}, {0, 2, 2, 0, 0x3D, 0, 0x81}, Code::BadPositions,
               "P-04");
}

TEST(ChunkRules, P04_FillersOfOtherValues) {
  Sample s = two_entries({1, 12}, 1, 8, encoding(Positions::kGap, Values::kInt), DType::kU8);
  const Blob good = {0, 0x2D, 0, 1, 0, 2};
  expect_chunk(s, good, {0, 0x29, 0, 1, 0, 2}, Code::BadPositions, "P-04");
  expect_chunk(s, good, {0, 0x39, 0, 1, 2, 0}, Code::BadPositions, "P-04");
}

TEST(ChunkRules, P05_GapBuckets) {
  const Sample s = two_entries({1, 12}, 1, 8, encoding(Positions::kGapBucket, Values::kPalette));
  const Blob good = {0, 0x81, 0x00, 0x02, 0, 0x02};  // symbols 1 and 4 of 5 bits, extra bits 2
  expect_chunk(s, good, {0, 0xA1, 0x00, 0x02, 0, 0x02}, Code::BadPositions, "P-05");
  // The greatest symbol: a gap of 2^22 - 1.
  expect_chunk(s, good, {0, 0xE1, 0x02, 0xFF, 0xFF, 0x1F, 0, 0x02}, Code::BadPositions, "P-05");
}

TEST(ChunkRules, P06_PaddingOfSigns) {
  Sample s = bitmap_sample();
  s.encoding.signs = true;
  const Blob good = {0, 0x02, 0x01, 0, 0x02, 1, 0x00};  // seven skipped zeros
  expect_chunk(s, good, {0, 0x02, 0x01, 0, 0x02, 1, 0x80}, Code::BadPositions, "P-06");
}

TEST(ChunkRules, V02_ZerosAmongSparseValues) {
  const Sample s =
      two_entries({3, 3}, 1, 8, encoding(Positions::kBitmap, Values::kInt), DType::kU8);
  const Blob good = {0, 0x02, 0x01, 0, 1, 2};
  expect_chunk(s, good, {0, 0x02, 0x01, 0, 1, 0}, Code::BadIndex, "V-02");
  // -0 is no filler either.
  format::Encoding e = encoding(Positions::kGap, Values::kInt);
  const Sample f8 = two_entries({1, 4}, 1, 2, e, DType::kU8);
  Sample floats = f8;
  floats.dtype = DType::kF8E4M3;
  expect_chunk(floats, {0, 0x01, 0, 1, 2}, {0, 0x01, 0, 0x80, 2}, Code::BadIndex, "V-02");
}

TEST(ChunkRules, S02_PaddingOfBitStringsBehindStreams) {
  const Sample wide = two_entries({1, 12}, 1, 8, encoding(Positions::kGapBucket, Values::kPalette));
  expect_chunk(wide, {0, 0x81, 0x00, 0x02, 0, 0x02}, {0, 0x81, 0x00, 0x06, 0, 0x02},
               Code::BadBitstream, "S-02");
  const Sample split = two_entries({3, 3}, 1, 8, encoding(Positions::kBitmap, Values::kSplit));
  // 1.0 and 2.0: exponents 127 and 128, no bits of the mantissa, two signs.
  expect_chunk(split, {0, 0x02, 0x01, 0, 0x02, 0x00}, {0, 0x02, 0x01, 0, 0x02, 0x04},
               Code::BadBitstream, "S-02");
}

TEST(ChunkRules, V03_PaddingOfRawElements) {
  Sample s;
  s.dtype = DType::kF4;
  s.dims = {3};
  s.words = {1, 2, 3};
  expect_chunk(s, {0x21, 0x03}, {0x21, 0x13}, Code::BadBitstream, "V-03");
}

TEST(ChunkRules, S01_S05_S06_Modes) {
  expect_chunk(bitmap_sample(), kBitmap, {4, 0x02, 0x01, 0, 0x02}, Code::UnsupportedEncoding,
               "S-01");
  expect_chunk(bitmap_sample(), kBitmap, {0, 0x02, 0x01, 255, 0x02}, Code::UnsupportedEncoding,
               "S-01");
  for (const uint8_t mode : {2, 3}) {
    expect_chunk(bitmap_sample(), kBitmap, {0, 0x02, 0x01, mode, 1, 0x02}, Code::BadBitstream,
                 "S-05");
  }
  // A stream of one symbol, and one of an alphabet of one.
  Sample s = bitmap_sample();
  s.words[8] = s.words[1];
  expect_chunk(s, {0, 0x02, 0x01, 1, 0}, {0, 0x02, 0x01, 0}, Code::NonCanonical, "S-06");
  expect_chunk(s, {0, 0x02, 0x01, 1, 0}, {0, 0x00, 0x01, 0, 0}, Code::NonCanonical, "S-06", 1);
}

TEST(ChunkRules, S07_SymbolsOutsideTheirAlphabet) {
  expect_chunk(gap_sample(), kGap, {0, 0x2D, 0, 0x31}, Code::BadIndex, "S-07");
  expect_chunk(gap_sample(), kGap, {0, 0x2D, 1, 3}, Code::BadIndex, "S-07");
  const Sample s = two_entries({2, 12}, 1, 8, encoding(Positions::kGap, Values::kPalette));
  expect_chunk(s, {0, 3, 0, 0, 0x2D, 0, 0x21}, {0, 3, 192, 0, 0x2D, 0, 0x21}, Code::BadIndex,
               "S-07");
}

TEST(ChunkRules, S02_EveryTruncationOfAChunk) {
  for (size_t size = 0; size < kBitmap.size(); ++size) {
    expect_chunk(bitmap_sample(), kBitmap,
                 Blob(kBitmap.begin(), kBitmap.begin() + static_cast<ptrdiff_t>(size)),
                 Code::BadBitstream, "S-02");
  }
}

TEST(ChunkRules, S02_PaddingOfStoredStreams) {
  expect_chunk(bitmap_sample(), kBitmap, {0, 0x02, 0x01, 0, 0x82}, Code::BadBitstream, "S-02");
}

TEST(ChunkRules, K04_BytesLeftOver) {
  expect_chunk(bitmap_sample(), kBitmap, {0, 0x02, 0x01, 0, 0x02, 0}, Code::BadBitstream, "K-04");
  Sample s = bitmap_sample();
  s.words.assign(9, 0);
  expect_chunk(s, {}, {0}, Code::BadBitstream, "K-04");
}

// One dense palette tensor of four codes in Huffman code; the first byte of its chunk is the mode,
// then come byte lengths: one of the tree, four of the streams.
Blob huffman_chunk(codec::HuffmanLayout layout, Sample* s) {
  s->encoding.values = Values::kPalette;
  s->huffman = layout;
  s->dims = {4, 120};
  for (unsigned i = 0; i < 480; ++i) {
    s->words.push_back(float_word(static_cast<float>(i % 16 == 0  ? 1
                                                     : i % 8 == 4 ? 2
                                                     : i % 4 == 2 ? 3
                                                                  : 4)));
  }
  return make_parts({*s}).chunks[0];
}

// Moves the end of the data that the last byte length describes by one byte.
void expect_exact_end(codec::HuffmanLayout layout, size_t length_at, const char* rule) {
  Sample s;
  const Blob good = huffman_chunk(layout, &s);
  ASSERT_EQ(good[0], layout == codec::HuffmanLayout::kTree ? 3 : 2);
  ASSERT_LT(good[length_at], 0x7F);
  Blob bad = good;
  ++bad[length_at];
  bad.push_back(0);
  expect_chunk(s, good, bad, Code::BadBitstream, rule);
  bad = good;
  --bad[length_at];
  bad.pop_back();
  expect_chunk(s, good, bad, Code::BadBitstream, rule);
}

TEST(ChunkRules, S03_HuffmanStreams) {
  expect_exact_end(codec::HuffmanLayout::kStreams, 4, "S-03");
}

TEST(ChunkRules, S04_HuffmanTree) {
  expect_exact_end(codec::HuffmanLayout::kTree, 1, "S-04");
}

}  // namespace
}  // namespace dcf::impl::model
