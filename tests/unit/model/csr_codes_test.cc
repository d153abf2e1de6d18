// SPDX-License-Identifier: Apache-2.0
// CSR and codes against the dense form of the same tensor, for every encoding, views across rows,
// transposed views and aliases of other shape.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/float_convert.h"
#include "model/decode.h"
#include "support/sample.h"

namespace dcf::impl::model {

using format::Encoding;
using format::Values;

namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

struct OwnedCsr {
  std::vector<uint64_t> row_ptr;
  std::vector<uint32_t> col;
  Blob values;
};

Status decode(const Model& model, size_t tensor, DType as, OwnedCsr* out) {
  const format::Tensor& t = model.manifest()->tensors[tensor];
  const uint64_t nonzeros = model.manifest()->tensors[model.data_tensor(tensor)].nonzeros;
  out->row_ptr.assign(t.rows() + 1, 99);
  out->col.assign(nonzeros, 99);
  out->values.assign(nonzeros * (as == DType::kF32 ? 4 : t.bits / 8), 0xEE);
  return decode_csr(model, tensor, as, {out->row_ptr, out->col, out->values});
}

// The CSR form of the words, straight from its definition.
OwnedCsr expected_csr(const Sample& s, uint64_t rows, DType as) {
  OwnedCsr out;
  const uint64_t cols = s.words.size() / rows;
  const size_t width = bits_of(s) / 8;
  out.row_ptr.push_back(0);
  for (uint64_t r = 0; r < rows; ++r) {
    for (uint64_t c = 0; c < cols; ++c) {
      const uint64_t i = r * cols + c;
      const bool nonzero = (s.words[i] & magnitude_mask(s.dtype)) != 0;
      if (s.encoding.is_sparse() && !s.kept.empty() ? !s.kept[i] : !nonzero) continue;
      out.col.push_back(static_cast<uint32_t>(c));
      uint8_t bytes[8];
      const float value = word_to_float(s.dtype, s.words[i]);
      if (as == DType::kF32)
        std::memcpy(bytes, &value, 4);
      else
        store_word(bytes, width, s.words[i]);
      out.values.insert(out.values.end(), bytes, bytes + (as == DType::kF32 ? 4 : width));
    }
    out.row_ptr.push_back(out.col.size());
  }
  return out;
}

void expect_csr(const Model& model, size_t tensor, const Sample& s, uint64_t rows) {
  for (const DType as : {DType::kNone, DType::kF32}) {
    OwnedCsr out;
    const Status status = decode(model, tensor, as, &out);
    ASSERT_TRUE(status.ok()) << status.message;
    const OwnedCsr expected = expected_csr(s, rows, as);
    EXPECT_EQ(out.row_ptr, expected.row_ptr);
    EXPECT_EQ(out.col, expected.col);
    EXPECT_EQ(out.values, expected.values);
  }
}

TEST(Csr, EveryEncodingViewAndThreadCount) {
  for (const DType dtype :
       {DType::kF64, DType::kF32, DType::kBF16, DType::kI64, DType::kU8, DType::kBool}) {
    for (const Encoding& e : encodings_of(dtype)) {
      for (int view = 0; view < 3; ++view) {
        if (view == 2 && e.is_raw()) continue;
        Sample s = random_sample(dtype, {12, 30}, e, static_cast<uint64_t>(view));
        s.name = "a";
        s.view = view == 0   ? format::View{}
                 : view == 1 ? format::View{7, false}
                             : format::View{12, true};
        s.rows_per_chunk = view == 1 ? 3 : 5;
        Sample alias;
        alias.name = "b";
        alias.dtype = dtype;
        alias.dims = {90, 4};
        alias.alias_of = "a";
        SCOPED_TRACE(std::string(dtype_name(dtype)) + " " + encoding_name(e) + " view " +
                     std::to_string(view));
        const Blob file = make_file({s, alias});
        for (const unsigned threads : {1u, 4u}) {
          auto model = open_bytes(file, threads);
          ASSERT_TRUE(model.ok()) << model.status().message;
          expect_csr(*model.value(), 0, s, 12);
          expect_csr(*model.value(), 1, s, 90);
        }
      }
    }
  }
}

// Many blocks of entries, written past the caches.
TEST(Csr, LargeTensors) {
  Encoding e;
  e.positions = format::Positions::kGap;
  e.values = Values::kPalette;
  e.gap_bits = 5;
  Sample s = random_sample(DType::kF32, {2200, 2011}, e, 9, 2);
  s.rows_per_chunk = 37;
  const Blob file = make_file({s});
  const auto model = open_bytes(file, 2);
  ASSERT_TRUE(model.ok()) << model.status().message;
  OwnedCsr out;
  ASSERT_TRUE(decode(*model.value(), 0, DType::kNone, &out).ok());
  ASSERT_GE(out.col.size() * 8, size_t{16} << 20);
  const OwnedCsr expected = expected_csr(s, 2200, DType::kNone);
  EXPECT_TRUE(out.row_ptr == expected.row_ptr);
  EXPECT_TRUE(out.col == expected.col);
  EXPECT_TRUE(out.values == expected.values);
}

TEST(Csr, ZeroCentroidsAreEntries) {
  Encoding e;
  e.positions = format::Positions::kGap;
  e.gap_bits = 3;
  e.values = Values::kPalette;
  Sample s = random_sample(DType::kF32, {4, 50}, e, 8, 12);
  for (const uint64_t w : s.words) s.kept.push_back((w & 0x7FFFFFFF) != 0);
  s.kept[20] = s.kept[199] = true;
  const Blob file = make_file({s});
  auto model = open_bytes(file);
  ASSERT_TRUE(model.ok());
  expect_csr(*model.value(), 0, s, 4);
}

// Fillers are left out, whether one follows the other or runs of many entries lie between them.
TEST(Csr, FewFillersAndMany) {
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF64, DType::kI8}) {
    for (const uint8_t gap_bits : {2, 4, 5}) {
      for (const unsigned distinct : {3u, 32u, 33u, 64u, 65u}) {
        for (const bool palette : {true, false}) {
          Encoding e;
          e.positions = format::Positions::kGap;
          e.gap_bits = gap_bits;
          e.values =
              palette ? Values::kPalette : (dtype == DType::kI8 ? Values::kInt : Values::kSplit);
          if (e.values == Values::kSplit) e.split_t = 8;
          Sample s = random_sample(dtype, {30, 301}, e, gap_bits, 4, distinct);
          s.view = format::View{gap_bits == 4 ? 43u : 301u, false};
          s.rows_per_chunk = 16;
          SCOPED_TRACE(std::string(dtype_name(dtype)) + " " + encoding_name(e) + ", " +
                       std::to_string(distinct) + " values");
          const Blob file = make_file({s});
          const auto model = open_bytes(file);
          ASSERT_TRUE(model.ok()) << model.status().message;
          expect_csr(*model.value(), 0, s, 30);
        }
      }
    }
  }
}

TEST(Csr, EmptyTensorsScalarsAndVectors) {
  for (const std::vector<uint64_t>& dims :
       {std::vector<uint64_t>{0}, {3, 0}, {0, 3}, {}, {1}, {6}}) {
    Sample s;
    s.dims = dims;
    uint64_t n = 1;
    for (const uint64_t d : dims) n *= d;
    for (uint64_t i = 0; i < n; ++i) s.words.push_back(float_word(static_cast<float>(i % 2)));
    const Blob file = make_file({s});
    auto model = open_bytes(file);
    ASSERT_TRUE(model.ok());
    OwnedCsr out;
    ASSERT_TRUE(decode(*model.value(), 0, DType::kNone, &out).ok());
    const format::Tensor& t = model.value()->manifest()->tensors[0];
    EXPECT_EQ(out.row_ptr.size(), t.rows() + 1);
    EXPECT_EQ(out.row_ptr.back(), t.nonzeros);
    EXPECT_EQ(t.nonzeros, n / 2);
  }
}

TEST(Csr, RawOnlyDtypesHaveNone) {
  Sample s;
  s.dtype = DType::kC64;
  s.dims = {4};
  s.words = {1, 2, 3, 4};
  const Blob file = make_file({s});
  auto model = open_bytes(file);
  ASSERT_TRUE(model.ok());
  OwnedCsr out;
  EXPECT_EQ(decode(*model.value(), 0, DType::kNone, &out).code, Code::UnsupportedDType);
}

// Neither more nor less than declared, wherever it is noticed.
TEST(Csr, WrongDeclaredNonzerosAreFound) {
  Encoding bitmap;
  bitmap.positions = format::Positions::kBitmap;
  bitmap.values = Values::kPalette;
  Encoding gap = bitmap;
  gap.positions = format::Positions::kGap;
  gap.gap_bits = 2;  // with fillers
  Encoding dense;
  dense.values = Values::kPalette;
  for (const Encoding& e : {bitmap, gap, dense}) {
    for (const bool transposed : {false, true}) {
      for (const int difference : {-1, 1}) {
        Sample sample = random_sample(DType::kF32, {64, 48}, e, 1);
        if (transposed) sample.view = format::View{64, true};
        sample.rows_per_chunk = 5;
        FileParts parts = make_parts({sample});
        parts.columns.nonzeros[0] += static_cast<uint64_t>(difference);
        const Blob file = assemble(parts);
        for (const unsigned threads : {1u, 3u}) {
          SCOPED_TRACE(encoding_name(e) + (transposed ? ", transposed " : " ") +
                       std::to_string(difference));
          auto model = open_bytes(file, threads);
          ASSERT_TRUE(model.ok()) << model.status().message;
          OwnedCsr out;
          const Status s = decode(*model.value(), 0, DType::kNone, &out);
          EXPECT_EQ(s.code, Code::BadCount);
          EXPECT_STREQ(s.rule, "K-05");
          EXPECT_EQ(s.offset, model.value()->layout().chunk_offsets[0]);
          EXPECT_EQ(s.tensor, 0u);
        }
      }
    }
  }
}

// Threads that wait for the chunk before theirs end when it fails.
TEST(Csr, TheFirstDamagedChunkIsReported) {
  Encoding e;
  e.positions = format::Positions::kGapBucket;
  e.values = Values::kPalette;
  e.bucket_t = 2;
  e.bucket_s = 1;
  Sample sample = random_sample(DType::kF32, {200, 48}, e, 1);
  sample.rows_per_chunk = 5;
  Blob file = make_file({sample});
  uint64_t damaged = 0;
  {
    const auto model = open_bytes(file);
    ASSERT_TRUE(model.ok()) << model.status().message;
    ASSERT_EQ(model.value()->layout().chunk_offsets.size(), 40u);
    damaged = model.value()->layout().chunk_offsets[11];
  }
  file[damaged] ^= 1;
  for (const unsigned threads : {1u, 2u, 8u}) {
    const auto model = open_bytes(file, threads);
    ASSERT_TRUE(model.ok());
    OwnedCsr out;
    const Status s = decode(*model.value(), 0, DType::kNone, &out);
    EXPECT_EQ(s.code, Code::ChecksumMismatch);
    EXPECT_EQ(s.offset, damaged);
  }
}

TEST(Codes, OnePerElement) {
  for (const DType dtype : {DType::kF32, DType::kI8, DType::kU64}) {
    for (const Encoding& e : encodings_of(dtype)) {
      if (e.values != Values::kPalette) continue;
      Sample s = random_sample(dtype, {10, 33}, e, 6);
      s.view = e.gap_bits == 4 ? format::View{10, true} : format::View{11, false};
      s.rows_per_chunk = 2;
      const Blob file = make_file({s});
      auto model = open_bytes(file, 2);
      ASSERT_TRUE(model.ok());
      const Tables& tables = model.value()->tables();
      std::vector<uint16_t> codes(s.words.size(), 9999);
      ASSERT_TRUE(decode_codes(*model.value(), 0, codes).ok());
      for (size_t i = 0; i < codes.size(); ++i) {
        const bool entry = !e.is_sparse() || (s.words[i] & magnitude_mask(dtype)) != 0;
        if (!entry) {
          ASSERT_EQ(codes[i], 0u) << encoding_name(e) << " " << i;
        } else {
          ASSERT_EQ(tables.codebook_words[codes[i] - (e.is_sparse() ? 1u : 0u)], s.words[i])
              << encoding_name(e) << " " << i;
        }
      }
    }
  }
}

TEST(Codes, FullPalettes) {
  for (const Encoding& e : encodings_of(DType::kF16)) {
    if (e.values != Values::kPalette) continue;
    Sample s;
    s.dtype = DType::kF16;
    s.encoding = e;
    const unsigned k = e.positions == format::Positions::kGap ? 255 : 256;
    s.dims = {2, k};
    for (unsigned i = 0; i < 2 * k; ++i) s.words.push_back(0x3C00 + i % k);
    const Blob file = make_file({s});
    auto model = open_bytes(file);
    ASSERT_TRUE(model.ok()) << model.status().message;
    std::vector<uint16_t> codes(s.words.size());
    ASSERT_TRUE(decode_codes(*model.value(), 0, codes).ok());
    for (unsigned i = 0; i < 2 * k; ++i) ASSERT_EQ(codes[i], i % k + (e.is_sparse() ? 1 : 0));
    EXPECT_TRUE(check_bytes(file).ok());
  }
}

TEST(Codes, OnlyOfPalettes) {
  const Blob file = make_file({random_sample(DType::kF32, {4}, {}, 1)});
  auto model = open_bytes(file);
  ASSERT_TRUE(model.ok());
  std::vector<uint16_t> codes(4);
  EXPECT_EQ(decode_codes(*model.value(), 0, codes).code, Code::InvalidArgument);
}

}  // namespace
}  // namespace dcf::impl::model
