// SPDX-License-Identifier: Apache-2.0
// L-01 to L-03: every limit is checked before memory is taken in proportion to a number in the
// file. The program counts its allocations; what a limit forbids must not be asked for.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/file.h"
#include "dcf/dcf.h"
#include "support/memory_meter.h"
#include "support/sample.h"

namespace dcf::impl::format {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

// What is not in proportion to anything in the file: lists of verify(), buffers of Cap'n Proto.
constexpr size_t kFixed = 24000;

void expect_limit(const Status& s, Code code) {
  EXPECT_EQ(s.code, code) << s.rule << ": " << s.message;
  EXPECT_STREQ(s.rule, code == Code::LimitMemory   ? "L-01"
                       : code == Code::LimitOutput ? "L-02"
                                                   : "L-03");
}

Status validate(const FileParts& parts, const Limits& limits) {
  const Blob file = assemble(parts);
  return validate_manifest(take_apart(file).columns, limits).status();
}

FileParts two_tensors() {
  Encoding e;
  e.positions = Positions::kBitmap;
  e.values = Values::kPalette;
  Sample a = random_sample(DType::kF32, {8, 8}, e, 1);
  a.name = "a";
  Sample b;
  b.name = "b";
  b.dims = {64};
  b.alias_of = "a";
  return make_parts({a, b}, {{"k", "v"}, {"l", "v"}}, {{5, {}}, {6, {}}});
}

TEST(Limits, CountsOfTensorsPairsAndSections) {
  Limits limits;
  limits.max_tensors = 2;
  EXPECT_TRUE(validate(two_tensors(), limits).ok());
  limits.max_tensors = 1;
  expect_limit(validate(two_tensors(), limits), Code::LimitCount);
  expect_limit(validate(make_parts({}, {{"k", ""}, {"l", ""}}), limits), Code::LimitCount);
  expect_limit(validate(make_parts({}, {}, {{5, {}}, {6, {}}}), limits), Code::LimitCount);
}

TEST(Limits, OutputCountsAliasesEachTime) {
  Limits limits;
  limits.max_output = 512;
  EXPECT_TRUE(validate(two_tensors(), limits).ok());
  limits.max_output = 511;
  expect_limit(validate(two_tensors(), limits), Code::LimitOutput);
}

TEST(Limits, Entries) {
  Limits limits;
  const FileParts parts = two_tensors();
  limits.max_entries = parts.columns.chunk_entries[0];
  EXPECT_TRUE(validate(parts, limits).ok());
  --limits.max_entries;
  expect_limit(validate(parts, limits), Code::LimitCount);
}

TEST(Limits, MemoryOfTheManifest) {
  Limits limits;
  limits.max_memory = 100;
  expect_limit(validate(two_tensors(), limits), Code::LimitMemory);
}

// Two packed bytes may stand for 2 KiB of zeros.
TEST(Limits, PackingBombsAreMeasuredBeforeTheyGoOff) {
  Blob bomb;
  for (int i = 0; i < 300000; ++i) bomb.insert(bomb.end(), {0x00, 0xFF});
  const MemoryMeter meter;
  const Result<ManifestColumns> columns =
      parse_manifest_columns(bomb.data(), bomb.size(), Limits{}.max_manifest);
  expect_limit(columns.status(), Code::LimitMemory);
  EXPECT_LT(meter.peak(), 1000u);
}

TEST(Limits, APackingBombWithinTheLimitIsStillRejected) {
  Blob bomb;
  for (int i = 0; i < 100; ++i) bomb.insert(bomb.end(), {0x00, 0xFF});
  const Result<ManifestColumns> columns =
      parse_manifest_columns(bomb.data(), bomb.size(), Limits{}.max_manifest);
  EXPECT_EQ(columns.status().code, Code::NonCanonical);
}

TEST(Limits, ThePackedManifestItselfIsBounded) {
  const Blob file = assemble(two_tensors());
  Limits limits;
  limits.max_manifest = 100;
  const auto model = open_bytes(file, 1, limits);
  expect_limit(model.status(), Code::LimitMemory);
  EXPECT_EQ(model.status().offset, 64u);
}

// One tensor claims as many chunks as 32 bits can count; the columns do not have them.
TEST(Limits, ClaimedChunksAreNotAllocated) {
  FileParts parts = make_parts({random_sample(DType::kF32, {64, 64}, {}, 1)});
  parts.columns.dims = {uint64_t{1} << 40, 64};
  parts.columns.rows_per_chunk = {1};
  const Blob file = assemble(parts);
  const MemoryMeter meter;
  const auto model = open_bytes(file);
  EXPECT_EQ(model.status().code, Code::BadManifest);
  EXPECT_STREQ(model.status().rule, "M-03");
  EXPECT_LT(meter.peak(), 100000u);
}

TEST(Limits, ClaimedTablesAreNotAllocated) {
  FileParts parts = two_tensors();
  parts.columns.table_count = 1;
  parts.columns.tables[0] = 1;
  parts.tables = {0};
  const Blob file = assemble(parts);
  const MemoryMeter meter;
  const auto model = open_bytes(file);
  EXPECT_EQ(model.status().code, Code::BadSection);
  EXPECT_LT(meter.peak(), 100000u);
}

// Whatever the limit, opening and verifying takes no more, or fails. Returns how often it worked.
int expect_within_any_limit(const Blob& file, uint64_t first, uint64_t last) {
  int worked = 0;
  for (uint64_t memory = first; memory < last; memory += memory / 4) {
    Limits limits;
    limits.max_memory = memory;
    const MemoryMeter meter;
    const Status status = check_bytes(file, 1, limits);
    if (!status.ok()) expect_limit(status, Code::LimitMemory);
    EXPECT_LE(meter.peak(), memory + kFixed);
    worked += status.ok();
  }
  return worked;
}

TEST(Limits, CodebooksAreLargerThanTheirRecords) {
  std::vector<Sample> samples;
  for (unsigned i = 0; i < 300; ++i) {
    Sample s;
    s.name = std::to_string(i);
    s.dtype = DType::kU8;
    s.dims = {1, 1};
    s.words = {1};
    s.encoding.values = Values::kPalette;
    for (uint64_t word = 0; word < 256; ++word) s.more_codes.push_back(word);
    samples.push_back(std::move(s));
  }
  EXPECT_GT(expect_within_any_limit(make_file(samples), 20000, 4000000), 0);
}

TEST(Limits, CodesAreLargerThanTheirRecords) {
  Encoding e;
  e.values = Values::kPalette;
  std::vector<Sample> samples;
  for (unsigned i = 0; i < 300; ++i) {
    Sample s = random_sample(DType::kF32, {8, 32}, e, i, 2, 3);
    s.name = std::to_string(i);
    s.huffman = codec::HuffmanLayout::kStreams;
    samples.push_back(std::move(s));
  }
  EXPECT_GT(expect_within_any_limit(make_file(samples), 20000, 4000000), 0);
}

TEST(Limits, MetadataIsLargerThanItsBytes) {
  Metadata metadata;
  for (unsigned i = 10000; i < 15000; ++i) metadata.emplace_back(std::to_string(i), "");
  EXPECT_GT(expect_within_any_limit(assemble(make_parts({}, metadata)), 20000, 8000000), 0);
}

// Scratch memory that grows by a little must not grow by as much again.
TEST(Limits, ChunksOfRisingSize) {
  Encoding e;
  e.positions = Positions::kGap;
  e.gap_bits = 4;
  e.values = Values::kInt;  // the values that use most of the scratch memory
  Sample s = random_sample(DType::kI32, {2, 65536}, e, 1, 1, 40);
  s.rows_per_chunk = 1;
  s.words[65535] = 0;  // one entry less in the first
  EXPECT_GT(expect_within_any_limit(make_file({s}), 200000, 4000000), 0);
}

// Lists of a message that lie over each other would multiply its size.
TEST(Limits, OverlappingListsAreNotCopied) {
  constexpr unsigned kData = 3;       // words: three numbers of the file
  constexpr unsigned kPointers = 25;  // lists
  constexpr unsigned kWords = 100000;
  std::vector<uint64_t> message(1 + kData + kPointers + kWords, 1);
  message[0] = uint64_t{kPointers} << 48 | uint64_t{kData} << 32;
  for (unsigned i = 0; i < kPointers; ++i) {
    message[1 + kData + i] = 0;
    // The columns of u64: dims, nonzeros, chunkHashes, sectionBytes, sectionHashes.
    if (i != 4 && i != 8 && i != 19 && i != 23 && i != 24) continue;
    message[1 + kData + i] =
        uint64_t{kWords} << 35 | uint64_t{5} << 32 | (kPointers - 1 - i) << 2 | 1;
  }
  Blob packed;
  for (const uint64_t word : message) {
    packed.push_back(0xFF);
    packed.resize(packed.size() + 8);
    store_le(&packed[packed.size() - 8], word);
    packed.push_back(0);
  }
  const MemoryMeter meter;
  const Status status =
      parse_manifest_columns(packed.data(), packed.size(), Limits{}.max_manifest).status();
  EXPECT_EQ(status.code, Code::NonCanonical) << status.message;
  EXPECT_STREQ(status.rule, "M-02");
  EXPECT_LT(meter.peak(), 3 * 8 * kWords);
}

// The pages that lie within `list` as a whole.
template <typename T>
std::pair<void*, size_t> pages_of(const std::vector<T>& list) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<uintptr_t>(list.data());
  const uintptr_t begin = (first + page - 1) / page * page;
  const uintptr_t end = (first + list.size() * sizeof(T)) / page * page;
  return {reinterpret_cast<void*>(begin), end - begin};
}

// Many names for one tensor of many chunks: describing all must not walk all chunks for each. No
// record of a chunk can be read meanwhile.
TEST(Limits, AliasesOfATensorOfManyChunks) {
  constexpr unsigned kChunks = 1 << 20;
  constexpr unsigned kAliases = 1 << 16;
  Encoding e;
  e.positions = Positions::kBitmap;
  e.values = Values::kPalette;
  std::vector<Sample> samples = {random_sample(DType::kF32, {64}, e, 1)};
  samples[0].name = "a";
  for (unsigned i = 0; i < kAliases; ++i) {
    Sample alias;
    alias.name = "b" + std::to_string(i);
    alias.dims = {64};
    alias.alias_of = "a";
    samples.push_back(std::move(alias));
  }
  FileParts parts = make_parts(samples);
  std::fill(parts.columns.dims.begin(), parts.columns.dims.end(), kChunks);
  parts.columns.view_cols.assign(1 + kAliases, 0);
  parts.columns.view_cols[0] = 1;
  parts.columns.rows_per_chunk = parts.columns.view_cols;
  parts.columns.nonzeros[0] = 0;
  parts.chunks.assign(kChunks, {});
  parts.columns.chunk_entries.assign(kChunks, 0);
  const Blob bytes = assemble(parts);
  dcf_file* file = nullptr;
  dcf_error error = DCF_ERROR_INIT;
  ASSERT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), nullptr, &file, &error), DCF_OK)
      << error.message;
  const auto [chunks, size] = pages_of(file->model->manifest()->chunks);
  ASSERT_GT(size, kChunks * sizeof(uint64_t));
  ASSERT_EQ(mprotect(chunks, size, PROT_NONE), 0);
  for (size_t i = 0; i < dcf_tensor_count(file); ++i) {
    dcf_tensor_info info{};
    info.struct_size = sizeof info;
    ASSERT_EQ(dcf_tensor_describe(file, i, &info, nullptr), DCF_OK);
  }
  ASSERT_EQ(mprotect(chunks, size, PROT_READ | PROT_WRITE), 0);
  dcf_file_close(file);
}

// All a decode takes fits into max_memory, or nothing is decoded.
TEST(Limits, DecodingStaysBelowTheLimitOrFails) {
  Encoding e;
  e.positions = Positions::kGap;
  e.gap_bits = 4;
  e.values = Values::kPalette;
  Sample s = random_sample(DType::kF32, {256, 256}, e, 1);
  const Blob file = make_file({s});
  EXPECT_GT(expect_within_any_limit(file, 2000, 2000000), 0);
}

}  // namespace
}  // namespace dcf::impl::format
