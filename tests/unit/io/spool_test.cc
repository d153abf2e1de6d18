// SPDX-License-Identifier: Apache-2.0
#include "io/spool.h"

#include <random>

#include "faults.h"
#include "temp_dir.h"

namespace dcf::impl::io {
namespace {

// Bytes without a short period, so that a block out of place shows.
std::vector<uint8_t> sample(size_t size) {
  std::vector<uint8_t> bytes(size);
  uint32_t state = 1;
  for (uint8_t& byte : bytes)
    byte = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

Status append_in_pieces(Spool* spool, Bytes bytes, size_t piece) {
  while (!bytes.empty()) {
    const size_t n = std::min(piece, bytes.size());
    DCF_TRY(spool->append(bytes.first(n)));
    bytes = bytes.subspan(n);
  }
  return ok_status();
}

template <typename Consume>
Status read_all(const Spool& spool, Consume consume) {
  std::vector<uint8_t> room(100'000);
  return spool.read_pieces(0, spool.size(), room, consume);
}

std::vector<uint8_t> collect(const Spool& spool) {
  std::vector<uint8_t> all;
  const Status status = read_all(spool, [&](Bytes piece) {
    EXPECT_LE(piece.size(), Spool::kBlockBytes);
    all.insert(all.end(), piece.begin(), piece.end());
    return ok_status();
  });
  EXPECT_TRUE(status.ok());
  return all;
}

TEST(Spool, ReturnsWhatWasAppended) {
  const TempDir dir;
  const std::vector<uint8_t> bytes = sample((9 << 20) + 12345);
  for (const uint64_t memory : {uint64_t{0}, uint64_t{5} << 20, Spool::kDefaultMemory}) {
    for (const size_t piece : {size_t{1000}, size_t{1} << 20, bytes.size()}) {
      Spool spool(memory, dir.path());
      ASSERT_TRUE(append_in_pieces(&spool, bytes, piece).ok());
      EXPECT_EQ(spool.size(), bytes.size());
      EXPECT_EQ(collect(spool), bytes);
      EXPECT_EQ(collect(spool), bytes);
      EXPECT_TRUE(dir.names().empty());
    }
  }
}

// Before, in, behind and across the part of the file.
TEST(Spool, ReadsAnywhere) {
  const TempDir dir;
  constexpr size_t kBlock = Spool::kBlockBytes;
  const std::vector<uint8_t> bytes = sample(5 * kBlock + 12345);
  for (const uint64_t memory : {uint64_t{0}, 3 * uint64_t{kBlock}, Spool::kDefaultMemory}) {
    Spool spool(memory, dir.path());
    ASSERT_TRUE(append_in_pieces(&spool, bytes, 100'000).ok());
    for (const size_t begin : {size_t{0}, kBlock - 3, 2 * kBlock, 4 * kBlock + 7, 5 * kBlock}) {
      for (const size_t size : {size_t{1}, size_t{5000}, kBlock + 100, bytes.size()}) {
        const size_t end = std::min(begin + size, bytes.size());
        std::vector<uint8_t> part(end - begin);
        ASSERT_TRUE(spool.read_at(begin, part).ok());
        EXPECT_TRUE(
            std::equal(part.begin(), part.end(), bytes.begin() + static_cast<ptrdiff_t>(begin)));
      }
    }
    std::vector<uint8_t> beyond(2);
    EXPECT_EQ(spool.read_at(bytes.size() - 1, beyond).code, Code::Internal);
  }
}

// Vectors are kept where there is room for them; where they came from does not show.
TEST(Spool, TakesVectors) {
  const TempDir dir;
  std::mt19937 rng(7);
  for (int round = 0; round < 40; ++round) {
    Spool spool(round % 4 * (uint64_t{6} << 20), dir.path());
    std::vector<uint8_t> all;
    for (int k = 0; k < 8; ++k) {
      const std::vector<uint8_t> bytes = sample(rng() % (k % 2 == 0 ? 9 << 20 : 3 << 20));
      all.insert(all.end(), bytes.begin(), bytes.end());
      if (rng() % 2 == 0) {
        BigVector<uint8_t> moved(bytes.begin(), bytes.end());
        ASSERT_TRUE(spool.append(std::move(moved)).ok());
        std::vector<uint8_t> back(bytes.size());
        ASSERT_TRUE(spool.read_at(all.size() - bytes.size(), back).ok());
        EXPECT_EQ(back, bytes);
      } else {
        ASSERT_TRUE(spool.append(bytes).ok());
      }
    }
    ASSERT_EQ(spool.size(), all.size());
    EXPECT_EQ(collect(spool), all);
    for (int k = 0; k < 20; ++k) {
      const size_t begin = rng() % all.size();
      std::vector<uint8_t> part(rng() % (all.size() - begin));
      ASSERT_TRUE(spool.read_at(begin, part).ok());
      EXPECT_TRUE(
          std::equal(part.begin(), part.end(), all.begin() + static_cast<ptrdiff_t>(begin)));
    }
  }
}

TEST(Spool, DoesNotCopyALargeVector) {
  Spool spool(uint64_t{16} << 20);
  BigVector<uint8_t> bytes(size_t{5} << 20, uint8_t{1});
  const uint8_t* const place = bytes.data();
  ASSERT_TRUE(spool.append(Bytes(bytes).first(10)).ok());
  ASSERT_TRUE(spool.append(std::move(bytes)).ok());
  std::vector<const uint8_t*> places;
  ASSERT_TRUE(read_all(spool, [&](Bytes block) {
                places.push_back(block.data());
                return ok_status();
              }).ok());
  ASSERT_EQ(places.size(), 4u);
  EXPECT_EQ(places[1], place);

  BigVector<uint8_t> unused(size_t{3} << 20, uint8_t{2});
  unused.reserve(size_t{7} << 20);
  const uint8_t* const copied = unused.data();
  places.clear();
  ASSERT_TRUE(spool.append(std::move(unused)).ok());
  ASSERT_TRUE(read_all(spool, [&](Bytes block) {
                places.push_back(block.data());
                return ok_status();
              }).ok());
  EXPECT_EQ(std::count(places.begin(), places.end(), copied), 0);
}

TEST(Spool, EmptyHasNoBlocks) {
  const Spool spool;
  EXPECT_EQ(spool.size(), 0u);
  EXPECT_TRUE(collect(spool).empty());
}

TEST(Spool, StaysInMemoryBelowTheThreshold) {
  Spool spool(uint64_t{4} << 20, "/nonexistent");
  ASSERT_TRUE(spool.append(sample(4 << 20)).ok());
  EXPECT_EQ(spool.append(sample(1)).code, Code::IoOpen);
}

TEST(Spool, FailureIsFinal) {
  Spool spool(0, "/nonexistent");
  const std::vector<uint8_t> bytes = sample(2 << 20);
  EXPECT_EQ(spool.append(bytes).code, Code::IoOpen);
  EXPECT_EQ(spool.append(Bytes(bytes).first(1)).code, Code::IoOpen);
  EXPECT_EQ(read_all(spool, [](Bytes) { return ok_status(); }).code, Code::IoOpen);
}

TEST(Spool, StopsAtTheConsumersFailure) {
  Spool spool(0);
  ASSERT_TRUE(spool.append(sample(5 << 20)).ok());
  int calls = 0;
  const Status status = read_all(
      spool, [&](Bytes) { return ++calls == 2 ? fail(Code::IoNoSpace, "", "full") : ok_status(); });
  EXPECT_EQ(status.code, Code::IoNoSpace);
  EXPECT_EQ(calls, 2);
}

TEST(Spool, EveryFailingCallIsReportedAndLeavesNothing) {
  const TempDir dir;
  const std::vector<uint8_t> bytes = sample(100'000);
  for (const bool no_tmpfile : {false, true}) {
    for (const int error : {EIO, ENOSPC}) {
      for (int k = 0;; ++k) {
        fault_plan = {.fail_at = k, .error = error, .no_tmpfile = no_tmpfile};
        Status status;
        {
          Spool spool(0, dir.path(), faulty_calls());
          status = spool.append(bytes);
          if (status.ok()) status = read_all(spool, [](Bytes) { return ok_status(); });
        }
        const std::string failed = fault_plan.failed;
        if (failed.empty()) break;
        // A close that fails loses nothing here, and a nameless file has a named one as a second
        // try.
        const bool harmless = failed == "close" || (failed == "openat" && status.ok());
        EXPECT_EQ(status.ok(), harmless) << failed << " " << k;
        if (!harmless && error == ENOSPC) EXPECT_EQ(status.code, Code::IoNoSpace) << failed;
        if (failed != "unlinkat") EXPECT_TRUE(dir.names().empty()) << failed;
        for (const std::string& name : dir.names()) std::filesystem::remove(dir / name);
      }
    }
  }
}

TEST(Spool, SurvivesInterruptionsAndShortCounts) {
  const TempDir dir;
  const std::vector<uint8_t> bytes = sample((1 << 20) + 500);
  fault_plan = {.interrupt = true, .short_counts = true};
  Spool spool(0, dir.path(), faulty_calls());
  ASSERT_TRUE(append_in_pieces(&spool, bytes, 700).ok());
  EXPECT_EQ(collect(spool), bytes);
}

}  // namespace
}  // namespace dcf::impl::io
