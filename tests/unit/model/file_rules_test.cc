// SPDX-License-Identifier: Apache-2.0
// Rules H-07, T-01 to T-06, T-08, K-02, K-03, K-05, K-06, A-01, A-03 broken in whole files, with
// code, rule and offset; and that the failure of lowest offset is reported for any number of
// threads.
#include "base/hash.h"
#include "hand_made.h"

namespace dcf::impl::model {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

void expect_failure(const Blob& file, Code code, const char* rule, uint64_t offset) {
  for (const unsigned threads : {1u, 4u}) {
    const Status s = check_bytes(file, threads);
    EXPECT_EQ(s.code, code) << s.message;
    EXPECT_STREQ(s.rule, rule) << s.message;
    EXPECT_EQ(s.offset, offset);
  }
}

// Four codes of lengths 1, 2, 3, 3 and the codebook 1, 2, 3, 4.
FileParts palette_parts() {
  Sample s;
  s.encoding.values = format::Values::kPalette;
  s.huffman = codec::HuffmanLayout::kStreams;
  s.dims = {4, 120};
  for (unsigned i = 0; i < 480; ++i) {
    s.words.push_back(float_word(static_cast<float>(i % 2 == 0   ? 1
                                                    : i % 4 == 1 ? 2
                                                    : i % 8 == 3 ? 3
                                                                 : 4)));
  }
  FileParts parts = make_parts({s}, {}, {{77, {1, 2, 3}}, {78, {}}});
  EXPECT_EQ(Blob(parts.tables.begin(), parts.tables.begin() + 4), (Blob{0, 3, 0x21, 0x33}));
  return parts;
}
constexpr size_t kRecord = 4;  // bytes of its code-length record

uint64_t tables_at(const Blob& file) {
  return format::kHeaderBytes + load_le<uint64_t>(&file[32]);
}

// Breaks the tables section; the failure is at `where` bytes from its start.
void expect_tables(const Blob& tables, Code code, const char* rule, uint64_t where) {
  FileParts parts = palette_parts();
  EXPECT_TRUE(check_bytes(assemble(parts)).ok());
  parts.tables = tables;
  const Blob file = assemble(parts);
  expect_failure(file, code, rule, tables_at(file) + where);
}
// The tables section with another code-length record.
Blob with_record(Blob record) {
  const Blob tables = palette_parts().tables;
  record.insert(record.end(), tables.begin() + kRecord, tables.end());
  return record;
}

TEST(FileRules, H07_ManifestHash) {
  Blob file = assemble(palette_parts());
  file[70] ^= 1;
  expect_failure(file, Code::ChecksumMismatch, "H-07", 64);
}

TEST(FileRules, T01_T06_TablesSection) {
  Blob file = assemble(palette_parts());
  file[tables_at(file)] ^= 1;
  expect_failure(file, Code::ChecksumMismatch, "T-01", tables_at(file));
  Blob longer = palette_parts().tables;
  longer.push_back(0);
  expect_tables(longer, Code::BadSection, "T-06", longer.size() - 1);
  for (size_t size = 0; size + 1 < longer.size(); ++size) {
    const Blob shorter(longer.begin(), longer.begin() + static_cast<ptrdiff_t>(size));
    expect_tables(shorter, Code::BadSection, "T-06", size < kRecord ? 0 : kRecord);
  }
}

TEST(FileRules, T02_T08_CodeLengthRecords) {
  expect_tables(with_record({3, 3, 0x21, 0x33}), Code::BadCodeLengths, "T-02", 0);
  expect_tables(with_record({3, 0, 0x21, 0x33}), Code::BadCodeLengths, "T-02", 0);
  expect_tables(with_record({0, 3, 0x20, 0x33}), Code::BadCodeLengths, "T-02",
                0);  // first without a code
  expect_tables(with_record({0, 3, 0x21, 0x02}), Code::BadCodeLengths, "T-02",
                0);  // last without one
  expect_tables(with_record({0, 3, 0x2F, 0x33}), Code::BadCodeLengths, "T-02", 0);  // token 15
  expect_tables(with_record({0, 3, 0x1D, 0x33}), Code::BadCodeLengths, "T-02",
                0);  // nothing to repeat
  expect_tables(with_record({0, 3, 0xD1, 0x01}), Code::BadCodeLengths, "T-02",
                0);                                                               // beyond the last
  expect_tables(with_record({0, 3, 0x22, 0x22}), Code::NonCanonical, "T-08", 0);  // no token 13
}

TEST(FileRules, T03_KraftSums) {
  expect_tables(with_record({0, 3, 0x22, 0x33}), Code::BadCodeLengths, "T-03", 0);
  expect_tables(with_record({0, 3, 0x11, 0x33}), Code::BadCodeLengths, "T-03", 0);
  expect_tables(with_record({0, 3, 0x21, 0x43}), Code::BadCodeLengths, "T-03", 0);
}

TEST(FileRules, T04_TablesOfAnotherAlphabet) {
  expect_tables(with_record({0, 4, 0x21, 0x43, 0x04}), Code::BadManifest, "T-04", 0);
}

TEST(FileRules, T05_Codebooks) {
  Blob tables = palette_parts().tables;
  tables[kRecord] = 32;  // k
  expect_tables(tables, Code::BadCodebook, "T-05", kRecord);
  tables = palette_parts().tables;
  for (size_t i = 1; i <= 4; ++i) tables[kRecord + i] = 0xFF;  // the first key is the greatest
  expect_tables(tables, Code::BadCodebook, "T-05", kRecord);
  Sample s;
  s.encoding.values = format::Values::kPalette;
  s.words = {float_word(1)};
  FileParts parts = make_parts({s});
  parts.tables[0] = 1;  // one key: k is 0
  const Blob file = assemble(parts);
  expect_failure(file, Code::BadCodebook, "T-05", tables_at(file));
}

TEST(FileRules, T05_PaddingOfACodebook) {
  Sample s =
      two_entries({2, 2}, 0, 3, encoding(format::Positions::kDense, format::Values::kPalette));
  FileParts parts = make_parts({s});
  ASSERT_LT(parts.tables.back(), 0x80);
  parts.tables.back() |= 0x80;
  const Blob file = assemble(parts);
  expect_failure(file, Code::BadCodebook, "T-05", tables_at(file));
}

// A code of as many ones as the key has bits is out of range, even where its low bits would run
// past the section; only ones that run past it themselves break T-06.
TEST(FileRules, T05_RunsOfOnes) {
  Blob tables = palette_parts().tables;
  tables[kRecord] = 0;                                      // k
  for (size_t i = 1; i <= 4; ++i) tables[kRecord + i] = 0;  // the first key
  tables.resize(kRecord + 5);
  Blob ones = tables;
  ones.insert(ones.end(), 4, 0xFF);
  expect_tables(ones, Code::BadCodebook, "T-05", kRecord);
  ones.pop_back();
  expect_tables(ones, Code::BadSection, "T-06", kRecord);
}

TEST(FileRules, K02_Padding) {
  FileParts parts = make_parts({random_sample(DType::kF32, {1024}, {}, 1)}, {{"key", "value"}});
  ASSERT_TRUE(check_bytes(assemble(parts)).ok());
  parts.padding_byte = 1;
  const Blob file = assemble(parts);
  expect_failure(file, Code::BadPadding, "K-02", tables_at(file));
}

TEST(FileRules, K03_ChunkHashes) {
  const FileParts parts = palette_parts();
  Blob file = assemble(parts);
  const size_t chunk = tables_at(file) + parts.tables.size();
  file[chunk + 5] ^= 1;
  expect_failure(file, Code::ChecksumMismatch, "K-03", chunk);
}

TEST(FileRules, K05_Nonzeros) {
  FileParts parts = palette_parts();
  --parts.columns.nonzeros[0];
  const Blob file = assemble(parts);
  expect_failure(file, Code::BadCount, "K-05", tables_at(file) + parts.tables.size());
  Sample s;  // elements of four bits
  s.dtype = DType::kF4;
  s.dims = {3};
  s.words = {8, 0, 1};  // a negative zero counts: it has a bit
  parts = make_parts({s});
  EXPECT_EQ(parts.columns.nonzeros[0], 2u);
  EXPECT_TRUE(check_bytes(assemble(parts)).ok());
  parts.columns.nonzeros[0] = 1;
  EXPECT_EQ(check_bytes(assemble(parts)).code, Code::BadCount);
}

TEST(FileRules, K06_PartsThatDoNotAddUp) {
  Blob file = assemble(palette_parts());
  file.push_back(0);
  store_le(&file[16], uint64_t{file.size()});
  repair_header(file);
  expect_failure(file, Code::BadHeader, "K-06", 16);
  FileParts parts = palette_parts();  // and sizes that wrap
  parts.columns.section_bytes = {};
  format::ManifestColumns columns = take_apart(assemble(parts)).columns;
  columns.section_bytes = {~uint64_t{0} - 100, 200};
  expect_failure(assemble_with_manifest(parts, format::serialise_manifest_columns(columns).value()),
                 Code::BadHeader, "K-06", 16);
}

TEST(FileRules, A03_SectionHashes) {
  Blob file = assemble(palette_parts());
  file.back() ^= 1;
  expect_failure(file, Code::ChecksumMismatch, "A-03", file.size() - 3);
}

TEST(FileRules, A01_UnknownSectionsAreSkippedUnlessCritical) {
  EXPECT_TRUE(check_bytes(assemble(palette_parts())).ok());
  FileParts parts = palette_parts();
  parts.columns.section_kinds[0] |= 0x80000000;
  expect_failure(assemble(parts), Code::UnsupportedSection, "A-01", 64);
}

TEST(FileRules, TheLowestOffsetIsReportedForAnyNumberOfThreads) {
  std::vector<Sample> samples;
  for (int i = 0; i < 40; ++i) {
    samples.push_back(random_sample(
        DType::kF32, {20, 50}, encoding(format::Positions::kGap, format::Values::kPalette), 1));
    samples.back().name = std::to_string(100 + i);
    samples.back().rows_per_chunk = 1;
  }
  FileParts parts = make_parts(samples);
  parts.columns.nonzeros[3] += 1;  // found only when all chunks are sound
  const Blob file = assemble(parts);
  const auto model = open_bytes(file);
  ASSERT_TRUE(model.ok());
  const std::vector<uint64_t>& offsets = model.value()->layout().chunk_offsets;
  for (const size_t first : {0u, 7u, 15u, 16u, 123u, 799u}) {
    Blob damaged = file;
    for (size_t chunk = first; chunk < offsets.size(); chunk += 1 + first / 2)
      damaged[offsets[chunk]] ^= 0x40;
    for (const unsigned threads : {1u, 2u, 3u, 8u}) {
      const Status s = check_bytes(damaged, threads);
      EXPECT_EQ(s.code, Code::ChecksumMismatch);
      EXPECT_EQ(s.offset, offsets[first]);
      EXPECT_EQ(s.tensor, first / 20);
    }
  }
  EXPECT_EQ(check_bytes(file, 4).code, Code::BadCount);
}

}  // namespace
}  // namespace dcf::impl::model
