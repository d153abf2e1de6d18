// SPDX-License-Identifier: Apache-2.0
#include "golden_invalid_chunk.h"

namespace dcf::impl::testing {

using format::Positions;
using format::Values;

namespace {

format::Encoding encoding(Positions positions, Values values) {
  format::Encoding e;
  e.positions = positions;
  e.values = values;
  if (positions == Positions::kGap) e.gap_bits = 2;
  if (positions == Positions::kGapBucket) e.bucket_t = 2;
  if (values == Values::kSplit) e.split_t = 8;
  return e;
}

// The words 1 and 2 at two places of a u8 tensor, the rest zero.
Sample two_entries(std::vector<uint64_t> dims, size_t one, size_t two, format::Encoding encoding) {
  Sample s;
  s.dtype = DType::kU8;
  s.dims = std::move(dims);
  s.encoding = encoding;
  uint64_t n = 1;
  for (const uint64_t d : s.dims) n *= d;
  s.words.assign(n, 0);
  s.words[one] = 1;
  s.words[two] = 2;
  return s;
}

// 480 elements of four values in Huffman code; the lengths are 1, 2, 3, 3 or all 2.
Sample coded(codec::HuffmanLayout layout, bool equal) {
  Sample s;
  s.dtype = DType::kU8;
  s.dims = {480};
  s.encoding = encoding(Positions::kDense, Values::kPalette);
  s.huffman = layout;
  constexpr uint64_t kSkewed[] = {1, 1, 1, 1, 2, 2, 3, 4};
  for (unsigned i = 0; i < 480; ++i) s.words.push_back(kSkewed[i % 8]);
  // Five values of which four are used: stored takes 3 bits, so that codes of 2 bits are smaller.
  if (equal) {
    s.more_codes = {9};
    for (unsigned i = 0; i < 480; ++i) s.words[i] = 1 + i % 4;
  }
  return s;
}

void replace_record(FileParts* parts, const Blob& old, const Blob& record) {
  must(std::equal(old.begin(), old.end(), parts->tables.begin()), "another code-length record");
  parts->tables.erase(parts->tables.begin(),
                      parts->tables.begin() + static_cast<ptrdiff_t>(old.size()));
  parts->tables.insert(parts->tables.begin(), record.begin(), record.end());
}

// The same file with another chunk.
void add_chunk(InvalidFiles* out, const char* name, const char* rule, const Sample& sample,
               const Blob& good, const Blob& bad) {
  out->changed(name, rule, make_parts({sample}), [&](FileParts* p) {
    must(p->chunks[0] == good, name);
    p->chunks[0] = bad;
  });
}

void add_positions(InvalidFiles* out) {
  const Sample bitmap = two_entries({3, 3}, 1, 8, encoding(Positions::kBitmap, Values::kPalette));
  add_chunk(out, "bitmap_of_three_ones", "P-02", bitmap, {0, 0x02, 0x01, 0, 0x02},
            {0, 0x06, 0x01, 0, 0x02});
  const format::Encoding gap = encoding(Positions::kGap, Values::kPalette);
  // Gaps 1, 3 (a filler), 2; codes 1, 0, 2.
  const Sample gaps = two_entries({1, 12}, 1, 8, gap);
  add_chunk(out, "entries_per_row", "P-03", two_entries({2, 12}, 1, 8, gap),
            {0, 3, 0, 0, 0x2D, 0, 0x21}, {0, 3, 1, 0, 0x2D, 0, 0x21});
  add_chunk(out, "gap_beyond_the_row", "P-04", two_entries({1, 11}, 1, 8, gap), {0, 0x2D, 0, 0x21},
            {0, 0x3F, 0, 0x21});
  add_chunk(out, "filler_of_a_short_gap", "P-04", gaps, {0, 0x2D, 0, 0x21}, {0, 0x29, 0, 0x21});
  add_chunk(out, "filler_at_the_end_of_a_row", "P-04", gaps, {0, 0x2D, 0, 0x21},
            {0, 0x39, 0, 0x09});
  add_chunk(out, "gap_bucket_beyond_the_row", "P-05",
            two_entries({1, 12}, 1, 8, encoding(Positions::kGapBucket, Values::kPalette)),
            {0, 0x81, 0x00, 0x02, 0, 0x02}, {0, 0xA1, 0x00, 0x02, 0, 0x02});
  Sample signs = bitmap;
  signs.dtype = DType::kF8E4M3;
  signs.encoding.signs = true;
  add_chunk(out, "signs_padding", "P-06", signs, {0, 0x02, 0x01, 0, 0x02, 1, 0x00},
            {0, 0x02, 0x01, 0, 0x02, 1, 0x80});
}

void add_values(InvalidFiles* out) {
  const Sample ints = two_entries({3, 3}, 1, 8, encoding(Positions::kBitmap, Values::kInt));
  const Blob good = {0, 0x02, 0x01, 0, 1, 2};
  add_chunk(out, "stored_zero", "V-02", ints, good, {0, 0x02, 0x01, 0, 1, 0});
  Sample floats = ints;
  floats.dtype = DType::kF8E4M3;  // 80 is -0
  add_chunk(out, "stored_negative_zero", "V-02", floats, good, {0, 0x02, 0x01, 0, 1, 0x80});
  Sample halves;
  halves.dtype = DType::kF4;
  halves.dims = {3};
  halves.words = {1, 2, 3};
  add_chunk(out, "raw_padding", "V-03", halves, {0x21, 0x03}, {0x21, 0x13});
}

void add_streams(InvalidFiles* out) {
  const Sample bitmap = two_entries({3, 3}, 1, 8, encoding(Positions::kBitmap, Values::kPalette));
  const Blob good = {0, 0x02, 0x01, 0, 0x02};
  add_chunk(out, "stream_past_the_chunk", "S-02", bitmap, good, {0, 0x02, 0x01, 0});
  add_chunk(out, "stored_padding", "S-02", bitmap, good, {0, 0x02, 0x01, 0, 0x82});
  add_chunk(out, "extra_bits_padding", "S-02",
            two_entries({1, 12}, 1, 8, encoding(Positions::kGapBucket, Values::kPalette)),
            {0, 0x81, 0x00, 0x02, 0, 0x02}, {0, 0x81, 0x00, 0x06, 0, 0x02});
  add_chunk(out, "huffman_without_a_table", "S-05", bitmap, good, {0, 0x02, 0x01, 2, 1, 0x02});
  Sample equal = bitmap;
  equal.words[8] = 1;
  add_chunk(out, "stored_stream_of_one_symbol", "S-06", equal, {0, 0x02, 0x01, 1, 0},
            {0, 0x02, 0x01, 0});
  add_chunk(out, "code_outside_its_codebook", "S-07",
            two_entries({1, 12}, 1, 8, encoding(Positions::kGap, Values::kPalette)),
            {0, 0x2D, 0, 0x21}, {0, 0x2D, 0, 0x31});

  // Byte lengths: one of the tree, four of the streams, the last of which covers one byte more.
  for (const auto& [layout, name, rule, at] :
       {std::tuple{codec::HuffmanLayout::kStreams, "bit_string_too_long", "S-03", size_t{4}},
        {codec::HuffmanLayout::kTree, "tree_too_long", "S-04", size_t{1}}}) {
    const size_t length = at;
    out->changed(name, rule, make_parts({coded(layout, false)}), [length](FileParts* p) {
      must(p->chunks[0][length] < 0x7F, "a byte length of one byte");
      ++p->chunks[0][length];
      p->chunks[0].push_back(0);
    });
  }
  out->changed("varint_of_a_spare_byte", "S-02",
               make_parts({coded(codec::HuffmanLayout::kTree, false)}), [](FileParts* p) {
                 Blob& chunk = p->chunks[0];
                 must(chunk[0] == 3 && chunk[1] < 0x80, "a tree of one length byte");
                 chunk[1] |= 0x80;
                 chunk.insert(chunk.begin() + 2, 0x00);
               });
}

}  // namespace

void make_invalid_tables(InvalidFiles* out) {
  const FileParts skewed = make_parts({coded(codec::HuffmanLayout::kStreams, false)});
  const FileParts equal = make_parts({coded(codec::HuffmanLayout::kStreams, true)});
  const Blob record = {0, 3, 0x21, 0x33};
  out->changed("token_15", "T-02", skewed, [&](FileParts* p) {
    replace_record(p, record, {0, 3, 0x2F, 0x33});
  });
  out->changed("tokens_not_greedy", "T-08", equal, [](FileParts* p) {
    replace_record(p, {0, 3, 0xD2, 0x00}, {0, 3, 0x22, 0x22});
  });
  out->changed("tables_left_over", "T-06", skewed, [](FileParts* p) { p->tables.push_back(0); });
  // A stored stream of two codes whose role has a table of three.
  Sample stored = two_entries({2}, 0, 1, encoding(Positions::kDense, Values::kPalette));
  out->changed("table_beyond_the_alphabet", "T-04", make_parts({stored}), [](FileParts* p) {
    const Blob three = {0, 2, 0x21, 0x02};
    p->tables.insert(p->tables.begin(), three.begin(), three.end());
    p->columns.tables = {1};
    p->columns.table_count = 1;
  });
  Sample one = two_entries({2}, 0, 1, encoding(Positions::kDense, Values::kPalette));
  one.words = {7, 7};
  out->changed("order_of_a_codebook_of_one", "T-05", make_parts({one}),
               [](FileParts* p) { p->tables[0] = 1; });
  out->changed("codebook_padding", "T-05", make_parts({stored}), [](FileParts* p) {
    must(p->tables.back() < 0x80, "padding");
    p->tables.back() |= 0x80;
  });
}

void make_invalid_chunks(InvalidFiles* out) {
  add_positions(out);
  add_values(out);
  add_streams(out);
  Sample aligned;
  aligned.dtype = DType::kU8;
  aligned.dims = {4096};
  aligned.words.assign(4096, 0);
  out->changed("padding", "K-02", make_parts({aligned}), [](FileParts* p) { p->padding_byte = 1; });
}

}  // namespace dcf::impl::testing
