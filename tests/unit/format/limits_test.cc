// SPDX-License-Identifier: Apache-2.0
// L-01: every limit is checked before memory is taken in proportion to a number in the file. The
// program counts its allocations; what a limit forbids must not be asked for.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "support/sample.h"

namespace {

std::atomic<size_t> live{0};
std::atomic<size_t> peak{0};

// Bytes allocated at the worst moment since this was made.
class Meter {
 public:
  Meter() : start_(live) { peak = live.load(); }
  size_t bytes() const { return peak - start_; }

 private:
  size_t start_;
};

}  // namespace

void* operator new(size_t size) {
  void* p = std::malloc(size);
  if (p == nullptr) throw std::bad_alloc();
  const size_t now = live += malloc_usable_size(p);
  size_t seen = peak;
  while (now > seen && !peak.compare_exchange_weak(seen, now)) {
  }
  return p;
}
void operator delete(void* p) noexcept {
  live -= malloc_usable_size(p);
  std::free(p);
}
void operator delete(void* p, size_t) noexcept {
  operator delete(p);
}

namespace dcf::impl {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

void expect_limit(const Status& s, Code code) {
  EXPECT_EQ(s.code, code) << s.rule << ": " << s.message;
  EXPECT_STREQ(s.rule, "L-01");
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
  const Meter meter;
  const Result<ManifestColumns> columns =
      parse_manifest_columns(bomb.data(), bomb.size(), Limits{}.max_manifest);
  expect_limit(columns.status(), Code::LimitMemory);
  EXPECT_LT(meter.bytes(), 1000u);
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
  const Meter meter;
  const auto model = open_bytes(file);
  EXPECT_EQ(model.status().code, Code::BadManifest);
  EXPECT_STREQ(model.status().rule, "M-03");
  EXPECT_LT(meter.bytes(), 100000u);
}

TEST(Limits, ClaimedTablesAreNotAllocated) {
  FileParts parts = two_tensors();
  parts.columns.table_count = 1;
  parts.columns.tables[0] = 1;
  parts.tables = {0};
  const Blob file = assemble(parts);
  const Meter meter;
  const auto model = open_bytes(file);
  EXPECT_EQ(model.status().code, Code::BadSection);
  EXPECT_LT(meter.bytes(), 100000u);
}

// All a decode takes fits into max_memory, or nothing is decoded.
TEST(Limits, DecodingStaysBelowTheLimitOrFails) {
  Encoding e;
  e.positions = Positions::kGap;
  e.gap_bits = 4;
  e.values = Values::kPalette;
  Sample s = random_sample(DType::kF32, {256, 256}, e, 1);
  const Blob file = make_file({s});
  for (uint64_t memory = 20000; memory < 2000000; memory += memory / 4) {
    Limits limits;
    limits.max_memory = memory;
    const Meter meter;
    const Status status = check_bytes(file, 1, limits);
    if (!status.ok()) expect_limit(status, Code::LimitMemory);
    EXPECT_LE(meter.bytes(),
              memory + (memory < 60000 ? 40000 : 0));  // the fixed decode tables
  }
}

}  // namespace
}  // namespace dcf::impl
