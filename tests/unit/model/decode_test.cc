// SPDX-License-Identifier: Apache-2.0
// Dense decoding against what was stored: every dtype, every positions x values, views, chunks,
// signs of zeros, parts of a tensor, aliases. The files come from the tests' own plain writer.
#include "model/decode.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/checked.h"
#include "base/float_convert.h"
#include "support/sample.h"

namespace dcf::impl::model {

using format::Encoding;

namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

std::unique_ptr<Model> must_open(const Blob& file, unsigned threads = 1) {
  Result<std::unique_ptr<Model>> model = open_bytes(file, threads);
  EXPECT_TRUE(model.ok()) << model.status().rule << ": " << model.status().message;
  return model.ok() ? model.take() : nullptr;
}

Blob decode(const Model& model, size_t tensor = 0, DType as = DType::kNone) {
  const format::Tensor& t = model.manifest()->tensors[tensor];
  Blob out(decoded_bytes(t, as, t.elements).value(), 0xEE);
  const Status s = decode_elements(model, tensor, as, 0, t.elements, out);
  EXPECT_TRUE(s.ok()) << s.rule << ": " << s.message;
  return out;
}

void expect_round_trip(const Sample& sample) {
  const Blob file = make_file({sample});
  const auto model = must_open(file);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(decode(*model), dense_bytes(sample));
  const Status s = check_bytes(file);
  EXPECT_TRUE(s.ok()) << s.rule << ": " << s.message;
}

std::string describe(const Sample& s) {
  return std::string(dtype_name(s.dtype)) + " " + encoding_name(s.encoding) + " cols " +
         std::to_string(s.view.cols) + (s.view.transposed ? " transposed" : "") +
         " rows per chunk " + std::to_string(s.rows_per_chunk);
}

TEST(Decode, EveryDtypeAndEncodingInEveryHuffmanLayout) {
  for (int d = 1; d <= 15; ++d) {
    const auto dtype = static_cast<DType>(d);
    for (const Encoding& e : encodings_of(dtype)) {
      for (const std::optional<codec::HuffmanLayout> layout :
           {std::optional<codec::HuffmanLayout>(), std::optional(codec::HuffmanLayout::kStreams),
            std::optional(codec::HuffmanLayout::kTree)}) {
        Sample s = random_sample(dtype, {23, 41}, e, static_cast<uint64_t>(d));
        s.huffman = layout;
        SCOPED_TRACE(describe(s));
        expect_round_trip(s);
      }
    }
  }
}

TEST(Decode, ViewsOfAnyWidthAndChunksOfAnyHeight) {
  for (const Encoding& e : encodings_of(DType::kF32)) {
    for (const uint32_t cols : {1u, 7u, 13u, 64u, 100u, 1000u}) {
      for (const uint32_t rows : {0u, 1u, 2u, 5u}) {
        Sample s = random_sample(DType::kF32, {13, 7, 3}, e, cols + rows, 5);
        s.view.cols = cols == 21 ? 0 : cols;
        const uint64_t view_rows = ceil_div(s.words.size(), cols);
        if (rows >= view_rows) continue;
        s.rows_per_chunk = rows;
        s.huffman = codec::HuffmanLayout::kAuto;
        SCOPED_TRACE(describe(s));
        expect_round_trip(s);
      }
    }
  }
}

TEST(Decode, TransposedViews) {
  for (const DType dtype : {DType::kF32, DType::kI16, DType::kF8E4M3, DType::kF64}) {
    for (const Encoding& e : encodings_of(dtype)) {
      if (e.is_raw()) continue;
      for (const uint32_t rows : {0u, 3u}) {
        Sample s = random_sample(dtype, {12, 10}, e, rows);
        s.view = {12, true};
        s.rows_per_chunk = rows;
        SCOPED_TRACE(describe(s));
        expect_round_trip(s);
      }
    }
  }
}

TEST(Decode, FloatsWithEveryKindOfWord) {
  for (Encoding e : encodings_of(DType::kF32)) {
    if (e.has_scales()) continue;                           // these words are on none
    if (e.values == format::Values::kSplit) e.split_t = 9;  // exponents next to each other
    Sample s;
    s.encoding = e;
    s.dims = {2, 40};
    s.words.resize(80);
    const uint64_t special[] = {0x7FC00001, 0xFF800001, 0x7F800000,
                                0xFF800000, 0x7F7FFFFF, 0x7F000001};
    for (size_t i = 0; i < std::size(special); ++i) s.words[i * 11 + 3] = special[i];
    if (e.signs || !e.is_sparse()) s.words[5] = s.words[79] = 0x80000000;
    if (e.values == format::Values::kSplit) {
      // Zeros and exponents of 255 do not share 256 symbols of 9 bits when the positions hold
      // zeros.
      if (!e.is_sparse() || e.positions == format::Positions::kGap) continue;
    }
    SCOPED_TRACE(describe(s));
    expect_round_trip(s);
  }
}

TEST(Decode, ZeroCentroidsAreKeptAndFillersAreNot) {
  for (const Encoding& e : encodings_of(DType::kF32)) {
    if (e.values != format::Values::kPalette || !e.is_sparse()) continue;
    Sample s = random_sample(DType::kF32, {5, 300}, e, 3, 40);
    for (const uint64_t w : s.words) s.kept.push_back((w & 0x7FFFFFFF) != 0);
    s.kept[7] = s.kept[1400] = true;  // two entries of value 0
    s.words[7] = 0;
    s.words[1400] = 0;
    SCOPED_TRACE(describe(s));
    expect_round_trip(s);
  }
}

TEST(Decode, TensorsWithoutEntriesAndWithout) {
  for (const Encoding& e : encodings_of(DType::kF32)) {
    Sample s;
    s.encoding = e;
    s.dims = {4, 12};
    s.words.assign(48, 0);
    SCOPED_TRACE(describe(s));
    expect_round_trip(s);
    if (!e.is_raw()) continue;
    s.words.clear();
    for (const std::vector<uint64_t>& dims : {std::vector<uint64_t>{0}, {3, 0}, {0, 5, 7}}) {
      s.dims = dims;
      expect_round_trip(s);
    }
    s.dims = {};
    s.words = {float_word(2.5f)};
    expect_round_trip(s);
  }
}

TEST(Decode, RawOnlyDtypesOfAnyWidth) {
  for (const DType dtype :
       {DType::kC64, DType::kF8E8M0, DType::kF6E2M3, DType::kF6E3M2, DType::kF4, DType::kOpaque}) {
    for (const uint32_t opaque_bits : {1u, 3u, 12u, 63u}) {
      Sample s;
      s.dtype = dtype;
      s.opaque_bits = opaque_bits;
      s.opaque_name = "étrange";
      s.dims = {9, 8};
      const unsigned bits = bits_of(s);
      for (uint64_t i = 0; i < 72; ++i) s.words.push_back(i * 0x9E3779B97F4A7C15u >> (64 - bits));
      for (const uint32_t rows : {0u, 1u, 4u}) {
        s.rows_per_chunk = rows;
        SCOPED_TRACE(describe(s) + " width " + std::to_string(bits));
        expect_round_trip(s);
      }
    }
  }
}

TEST(Decode, OpaqueElementsWiderThanAWord) {
  Sample s;
  s.dtype = DType::kOpaque;
  s.opaque_bits = 65535;
  s.dims = {3};
  s.dense.assign(ceil_div(3 * 65535, 8), 0);
  s.dense[9000] = 1;
  FileParts parts = make_parts({s});
  parts.columns.nonzeros = {1};
  const Blob file = assemble(parts);
  const auto model = must_open(file);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(decode(*model), s.dense);
  EXPECT_TRUE(check_bytes(file).ok());
}

TEST(Decode, AnyRangeOfElements) {
  for (const Encoding& e : encodings_of(DType::kF16)) {
    for (const bool transposed : {false, true}) {
      if (transposed && e.is_raw()) continue;
      Sample s = random_sample(DType::kF16, {9, 11}, e, 5);
      s.view = transposed ? format::View{9, true} : format::View{7, false};
      s.rows_per_chunk = 2;
      const Blob file = make_file({s});
      const auto model = must_open(file);
      ASSERT_NE(model, nullptr);
      const Blob all = dense_bytes(s);
      SCOPED_TRACE(describe(s));
      for (uint64_t first = 0; first <= 99; first += 3) {
        for (uint64_t count = 0; first + count <= 99; count += 4) {
          Blob part(count * 2, 0xEE);
          ASSERT_TRUE(decode_elements(*model, 0, DType::kNone, first, count, part).ok());
          const auto begin = all.begin() + static_cast<ptrdiff_t>(first * 2);
          ASSERT_TRUE(std::equal(part.begin(), part.end(), begin)) << first << " + " << count;
        }
      }
    }
  }
}

TEST(Decode, WidensToFloat) {
  for (int d = 1; d <= 15; ++d) {
    const auto dtype = static_cast<DType>(d);
    for (const Encoding& e : encodings_of(dtype)) {
      Sample s = random_sample(dtype, {31, 40}, e, 77);
      s.rows_per_chunk = 10;
      if (!e.is_raw() && e.positions == format::Positions::kGap) s.view = {31, true};
      SCOPED_TRACE(describe(s));
      const Blob file = make_file({s});
      const auto model = must_open(file);
      ASSERT_NE(model, nullptr);
      const Blob bytes = decode(*model, 0, DType::kF32);
      ASSERT_EQ(bytes.size(), 4 * s.words.size());
      for (size_t i = 0; i < s.words.size(); ++i) {
        const float expected = word_to_float(dtype, s.words[i]);
        ASSERT_EQ(std::memcmp(&expected, &bytes[4 * i], 4), 0) << i;
      }
    }
  }
}

TEST(Decode, AliasesOfOtherShape) {
  for (const Encoding& e : encodings_of(DType::kF32)) {
    Sample s = random_sample(DType::kF32, {6, 10}, e, 9);
    s.name = "a";
    if (!e.is_raw()) s.view = {6, true};
    Sample alias;
    alias.name = "b";
    alias.dims = {3, 4, 5};
    alias.alias_of = "a";
    const Blob file = make_file({s, alias});
    const auto model = must_open(file);
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(decode(*model, 1), dense_bytes(s)) << describe(s);
    EXPECT_TRUE(check_bytes(file).ok());
  }
}

TEST(Decode, SameBytesForAnyNumberOfThreads) {
  Encoding e;
  e.positions = format::Positions::kGap;
  e.gap_bits = 4;
  e.values = format::Values::kPalette;
  Sample s = random_sample(DType::kF32, {400, 300}, e, 4, 8, 60);
  s.rows_per_chunk = 3;
  s.huffman = codec::HuffmanLayout::kAuto;
  const Blob file = make_file({s});
  for (const unsigned threads : {1u, 2u, 4u, 16u}) {
    const auto model = must_open(file, threads);
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(decode(*model), dense_bytes(s));
  }
}

// Tensors of all sorts, an alias among them, and one of them twice.
std::vector<Sample> many_samples() {
  std::vector<Sample> samples;
  for (const Encoding& e : encodings_of(DType::kF32)) {
    Sample s = random_sample(DType::kF32, {40, 12}, e, samples.size());
    if (!e.is_raw() && samples.size() % 3 == 0) s.view = {40, true};
    s.rows_per_chunk = samples.size() % 2 == 0 ? 7 : 0;
    s.name = "t" + std::to_string(100 + samples.size());
    samples.push_back(s);
  }
  samples.push_back(random_sample(DType::kF16, {3000}, encodings_of(DType::kF16)[1], 3));
  samples.back().name = "u";
  samples.emplace_back();
  samples.back().name = "v";
  samples.back().dims = {12, 40};
  samples.back().alias_of = "t100";
  return samples;
}

TEST(Decode, ManyTensorsInOneCall) {
  const Blob file = make_file(many_samples());
  for (const unsigned threads : {1u, 4u}) {
    const auto model = must_open(file, threads);
    ASSERT_NE(model, nullptr);
    const size_t count = model->manifest()->tensors.size();
    std::vector<Blob> expected;
    std::vector<Blob> memory;
    std::vector<DenseOutput> outputs;
    for (size_t i = 0; i <= count; ++i) {
      const size_t tensor = count - 1 - i % count;  // in no order of the file, the last one twice
      const DType as = tensor % 2 == 0 ? DType::kF32 : DType::kNone;
      expected.push_back(decode(*model, tensor, as));
      memory.emplace_back(expected.back().size(), 0xEE);
      outputs.push_back({tensor, as, memory.back()});
    }
    uint64_t last = 0;
    const Status s = decode_tensors(*model, outputs, [&](uint64_t done, uint64_t total) {
      EXPECT_LE(last, done);
      EXPECT_LE(done, total);
      last = done;
      return true;
    });
    ASSERT_TRUE(s.ok()) << s.message;
    EXPECT_GT(last, 0);
    EXPECT_EQ(memory, expected);
  }
}

TEST(Decode, OfManyFailuresTheFirstOneIsReported) {
  const Blob file = make_file(many_samples());
  const auto sound = must_open(file);
  ASSERT_NE(sound, nullptr);
  Blob damaged = file;
  const auto damage = [&](size_t tensor) {
    const uint64_t at =
        sound->layout().chunk_offsets[sound->manifest()->tensors[tensor].first_chunk];
    damaged[static_cast<size_t>(at)] ^= 1;
    return at;
  };
  const uint64_t second = damage(2);
  const uint64_t first = damage(5);
  for (const unsigned threads : {1u, 4u}) {
    const auto model = must_open(damaged, threads);
    ASSERT_NE(model, nullptr);
    std::vector<Blob> memory(8, Blob(40 * 12 * 4));
    std::vector<DenseOutput> outputs;
    for (const size_t tensor : {3, 5, 2, 7})
      outputs.push_back({tensor, DType::kNone, memory[tensor]});
    const Status s = decode_tensors(*model, outputs);
    EXPECT_EQ(s.code, Code::ChecksumMismatch);
    EXPECT_EQ(s.offset, first);
    EXPECT_EQ(s.tensor, 5);
    std::reverse(outputs.begin(), outputs.end());
    EXPECT_EQ(decode_tensors(*model, outputs).offset, second);
    outputs.resize(1);
    EXPECT_TRUE(decode_tensors(*model, outputs).ok());
  }
}

// So many bytes bypass the caches where that is fast; chunks start at any place of a line.
TEST(Decode, OutputsOfManyMegabytesAtAnyAddress) {
  std::vector<Encoding> encodings;
  for (const Encoding& e : encodings_of(DType::kF32)) {
    if (e.is_sparse()) continue;
    encodings.push_back(e);
    if (e.values != format::Values::kClassSplit) continue;
    encodings.push_back(e);
    encodings.back().class_run = 1000;  // whole rows, which are joined in their place
    encodings.back().class_units = 1060;
  }
  for (const Encoding& e : encodings) {
    Sample s = random_sample(DType::kF32, {1060, 1000}, e, 6);
    s.rows_per_chunk = 61;
    SCOPED_TRACE(describe(s));
    const Blob file = make_file({s});
    const auto model = must_open(file);
    ASSERT_NE(model, nullptr);
    const Blob expected = dense_bytes(s);
    for (const size_t at : {0, 4, 1}) {
      Blob memory(expected.size() + at + 1, 0xEE);
      const MutableBytes out = MutableBytes(memory).subspan(at, expected.size());
      ASSERT_TRUE(decode_elements(*model, 0, DType::kNone, 0, s.words.size(), out).ok());
      ASSERT_TRUE(std::equal(out.begin(), out.end(), expected.begin()));
      ASSERT_EQ(memory.back(), 0xEE);
    }
  }
}

TEST(Decode, LargeRawDataIsAligned) {
  Sample small = random_sample(DType::kF32, {1023}, {}, 1);
  small.name = "a";
  Sample large = random_sample(DType::kF32, {1024}, {}, 2);
  large.name = "b";
  const Blob file = make_file({small, large});
  const auto model = must_open(file);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->layout().chunk_offsets[1] % 64, 0u);
  EXPECT_EQ(decode(*model, 0), dense_bytes(small));
  EXPECT_EQ(decode(*model, 1), dense_bytes(large));
  EXPECT_TRUE(check_bytes(file).ok());
}

}  // namespace
}  // namespace dcf::impl::model
