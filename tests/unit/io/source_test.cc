// SPDX-License-Identifier: Apache-2.0
#include "io/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "temp_dir.h"

namespace dcf::impl::io {
namespace {

std::string read(const Source& source, uint64_t offset, size_t size, Status* status) {
  std::string text(size, '?');
  *status = source.read_at(offset, {reinterpret_cast<uint8_t*>(text.data()), size});
  return text;
}

void expect_reads_abcdef(const Source& source) {
  Status status;
  EXPECT_EQ(source.size(), 6u);
  EXPECT_EQ(read(source, 0, 6, &status), "abcdef");
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(read(source, 2, 3, &status), "cde");
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(read(source, 6, 0, &status), "");
  EXPECT_TRUE(status.ok());
  for (const uint64_t offset : {uint64_t{5}, uint64_t{7}, UINT64_MAX - 1, UINT64_MAX}) {
    read(source, offset, 2, &status);
    EXPECT_EQ(status.code, Code::Truncated);
    EXPECT_EQ(status.offset, offset);
  }
}

TEST(MemorySource, ReadsAndShowsItsBytes) {
  const std::vector<uint8_t> bytes = owned_bytes("abcdef");
  const MemorySource source(bytes);
  expect_reads_abcdef(source);
  EXPECT_EQ(source.view(2, 3).data(), bytes.data() + 2);
  EXPECT_EQ(source.view(2, 3).size(), 3u);
  EXPECT_TRUE(source.view(5, 2).empty());
  EXPECT_TRUE(source.view(UINT64_MAX, 2).empty());
}

TEST(FileSource, ReadsByPosition) {
  const TempDir dir;
  write_file(dir / "f", "abcdef");
  auto source = FileSource::open((dir / "f").c_str());
  ASSERT_TRUE(source.ok());
  expect_reads_abcdef(*source.value());
  EXPECT_TRUE(source.value()->view(0, 6).empty());
}

TEST(FileSource, SurvivesInterruptionsAndShortReads) {
  const TempDir dir;
  write_file(dir / "f", "abcdef");
  fault_plan = {.interrupt = true, .short_counts = true};
  auto source = FileSource::open((dir / "f").c_str(), faulty_calls());
  ASSERT_TRUE(source.ok());
  expect_reads_abcdef(*source.value());
}

TEST(FileSource, ReportsAFailedCall) {
  const TempDir dir;
  write_file(dir / "f", "abcdef");
  const Code expected[] = {Code::IoOpen, Code::IoOpen, Code::IoRead};
  for (int k = 0; k < 3; ++k) {
    fault_plan = {.fail_at = k, .error = EIO};
    auto source = FileSource::open((dir / "f").c_str(), faulty_calls());
    Status status = source.status();
    if (source.ok()) read(*source.value(), 3, 2, &status);
    EXPECT_EQ(status.code, expected[k]) << fault_plan.failed;
  }
}

TEST(FileSource, ReportsAFileThatShrinks) {
  const TempDir dir;
  write_file(dir / "f", "abcdef");
  auto source = FileSource::open((dir / "f").c_str());
  ASSERT_TRUE(source.ok());
  ASSERT_EQ(truncate((dir / "f").c_str(), 3), 0);
  Status status;
  read(*source.value(), 2, 3, &status);
  EXPECT_EQ(status.code, Code::IoRead);
  EXPECT_EQ(status.offset, 2u);
}

TEST(FileSource, RefusesWhatIsNotARegularFile) {
  const TempDir dir;
  ASSERT_EQ(mkfifo((dir / "pipe").c_str(), 0600), 0);
  const std::pair<std::string, std::string> cases[] = {
      {dir / "missing", "no such file or directory"},
      {dir.path(), "it is a directory, not a file"},
      {dir / "pipe", "it is not a regular file"},
      {"/dev/null", "it is not a regular file"},
      {"", "no such file or directory"},
  };
  for (const auto& [path, message] : cases) {
    const auto source = FileSource::open(path.c_str());
    EXPECT_EQ(source.status().code, Code::IoOpen) << path;
    EXPECT_EQ(source.status().message, message) << path;
  }
}

int read_text(void* ctx, uint64_t offset, void* dst, size_t size) {
  if (ctx == nullptr) return 1;
  std::memcpy(dst, static_cast<const char*>(ctx) + offset, size);
  return 0;
}

TEST(CallbackSource, AsksOnlyForWhatIsThere) {
  char text[] = "abcdef";
  expect_reads_abcdef(CallbackSource(read_text, text, 6));
}

TEST(CallbackSource, ReportsAFailure) {
  Status status;
  read(CallbackSource(read_text, nullptr, 6), 1, 2, &status);
  EXPECT_EQ(status.code, Code::IoRead);
  EXPECT_EQ(status.offset, 1u);
}

}  // namespace
}  // namespace dcf::impl::io
