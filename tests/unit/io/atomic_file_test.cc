// SPDX-License-Identifier: Apache-2.0
#include "io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "temp_dir.h"

namespace dcf::impl::io {
namespace {

Status save(const std::string& path, const std::string& text, bool overwrite,
            const Syscalls& sys = system_calls()) {
  DCF_ASSIGN(auto file, AtomicFile::create(path.c_str(), overwrite, sys));
  DCF_TRY(file->append(owned_bytes(text)));
  return file->commit();
}

mode_t mode_of(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

// Everything once with a nameless temporary file and once with a named one.
class AtomicFileTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { fault_plan = {.no_tmpfile = GetParam()}; }
  const TempDir dir_;
  const std::string out_ = dir_ / "out";
};
INSTANTIATE_TEST_SUITE_P(Temp, AtomicFileTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Named" : "Nameless"; });

TEST_P(AtomicFileTest, WritesANewFile) {
  const mode_t umask_before = umask(027);
  EXPECT_TRUE(save(out_, "new", false, faulty_calls()).ok());
  umask(umask_before);
  EXPECT_EQ(read_file(out_), "new");
  EXPECT_EQ(mode_of(out_), 0640u);
  EXPECT_EQ(dir_.names(), std::set<std::string>{"out"});
}

TEST_P(AtomicFileTest, WritesMoreThanIsLeftForTheLastFlush) {
  std::string text(size_t{20} << 20, 'x');
  for (size_t i = 0; i < text.size(); i += 4099) text[i] = static_cast<char>('a' + i % 23);
  auto file = AtomicFile::create(out_.c_str(), false, faulty_calls());
  ASSERT_TRUE(file.ok());
  for (size_t at = 0, size = 1; at < text.size(); at += size, size = size * 3 + 1) {
    size = std::min(size, text.size() - at);
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data()) + at;
    ASSERT_TRUE(file.value()->append(Bytes(bytes, size)).ok());
  }
  ASSERT_TRUE(file.value()->commit().ok());
  EXPECT_EQ(read_file(out_), text);
}

TEST_P(AtomicFileTest, KeepsAnExistingFileUnlessTold) {
  write_file(out_, "old");
  EXPECT_EQ(save(out_, "new", false, faulty_calls()).code, Code::FileExists);
  EXPECT_EQ(read_file(out_), "old");
  EXPECT_TRUE(save(out_, "new", true, faulty_calls()).ok());
  EXPECT_EQ(read_file(out_), "new");
  EXPECT_EQ(dir_.names(), std::set<std::string>{"out"});
}

TEST_P(AtomicFileTest, NoticesAFileThatAppearsMeanwhile) {
  auto file = AtomicFile::create(out_.c_str(), false, faulty_calls());
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file.value()->append(owned_bytes("new")).ok());
  write_file(out_, "old");
  EXPECT_EQ(file.value()->commit().code, Code::FileExists);
  file.value().reset();
  EXPECT_EQ(read_file(out_), "old");
  EXPECT_EQ(dir_.names(), std::set<std::string>{"out"});
}

TEST_P(AtomicFileTest, HandsOnThePermissionsOfAReplacedFile) {
  write_file(out_, "old");
  for (const mode_t mode : {0666u, 0600u, 0444u}) {
    ASSERT_EQ(chmod(out_.c_str(), mode), 0);
    const mode_t umask_before = umask(022);
    EXPECT_TRUE(save(out_, "new", true, faulty_calls()).ok());
    umask(umask_before);
    EXPECT_EQ(mode_of(out_), mode);
  }
}

TEST_P(AtomicFileTest, LeavesNothingWithoutCommit) {
  write_file(out_, "old");
  {
    auto file = AtomicFile::create(out_.c_str(), true, faulty_calls());
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file.value()->append(owned_bytes("new")).ok());
    EXPECT_EQ(dir_.names().size(), GetParam() ? 2u : 1u);
  }
  EXPECT_EQ(read_file(out_), "old");
  EXPECT_EQ(dir_.names(), std::set<std::string>{"out"});
}

TEST_P(AtomicFileTest, FollowsASymbolicLink) {
  write_file(dir_ / "target", "old");
  ASSERT_EQ(symlink("target", out_.c_str()), 0);
  EXPECT_EQ(save(out_, "new", false, faulty_calls()).code, Code::FileExists);
  EXPECT_TRUE(save(out_, "new", true, faulty_calls()).ok());
  EXPECT_TRUE(std::filesystem::is_symlink(out_));
  EXPECT_EQ(read_file(dir_ / "target"), "new");
  EXPECT_EQ(dir_.names(), (std::set<std::string>{"out", "target"}));
}

TEST_P(AtomicFileTest, ReplacesALinkThatLeadsNowhere) {
  ASSERT_EQ(symlink("nowhere", out_.c_str()), 0);
  EXPECT_EQ(save(out_, "new", false, faulty_calls()).code, Code::FileExists);
  EXPECT_TRUE(save(out_, "new", true, faulty_calls()).ok());
  EXPECT_FALSE(std::filesystem::is_symlink(out_));
  EXPECT_EQ(dir_.names(), std::set<std::string>{"out"});
}

TEST_P(AtomicFileTest, WorksInTheCurrentDirectory) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(dir_.path());
  EXPECT_TRUE(save("plain", "new", false, faulty_calls()).ok());
  std::filesystem::current_path(before);
  EXPECT_EQ(read_file(dir_ / "plain"), "new");
}

TEST_P(AtomicFileTest, PatchesWhatWasAppended) {
  for (const bool hostile : {false, true}) {
    fault_plan.interrupt = fault_plan.short_counts = hostile;
    auto file = AtomicFile::create(out_.c_str(), true, faulty_calls());
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file.value()->append(owned_bytes("one two three")).ok());
    ASSERT_TRUE(file.value()->patch(4, owned_bytes("TWO")).ok());
    ASSERT_TRUE(file.value()->append(owned_bytes(" four")).ok());
    EXPECT_EQ(file.value()->has_temporary_name(), GetParam());
    ASSERT_TRUE(file.value()->commit().ok());
    EXPECT_EQ(read_file(out_), "one TWO three four");
  }
}

TEST_P(AtomicFileTest, APatchThatFailsIsFinal) {
  auto file = AtomicFile::create(out_.c_str(), false, faulty_calls());
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file.value()->append(owned_bytes("new")).ok());
  fault_plan.fail_at = fault_plan.calls;
  fault_plan.error = ENOSPC;
  EXPECT_EQ(file.value()->patch(0, owned_bytes("N")).code, Code::IoNoSpace);
  EXPECT_STREQ(fault_plan.failed, "pwrite");
  EXPECT_EQ(file.value()->commit().code, Code::IoNoSpace);
  file.value().reset();
  EXPECT_TRUE(dir_.names().empty());
}

TEST_P(AtomicFileTest, CheckSaysWhatCreateWouldAndMakesNoFile) {
  EXPECT_TRUE(AtomicFile::check(out_.c_str(), false, faulty_calls()).ok());
  EXPECT_TRUE(dir_.names().empty());
  const int opened = fault_plan.calls;  // the directory was opened and closed, nothing else
  EXPECT_EQ(opened, 2);
  write_file(out_, "old");
  EXPECT_EQ(AtomicFile::check(out_.c_str(), false, faulty_calls()).code, Code::FileExists);
  EXPECT_TRUE(AtomicFile::check(out_.c_str(), true, faulty_calls()).ok());
  EXPECT_EQ(AtomicFile::check((dir_ / "none/out").c_str(), true, faulty_calls()).code,
            Code::IoOpen);
}

TEST_P(AtomicFileTest, CommitsOnce) {
  auto file = AtomicFile::create(out_.c_str(), false, faulty_calls());
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file.value()->commit().ok());
  EXPECT_EQ(file.value()->commit().code, Code::BadState);
  EXPECT_EQ(file.value()->append(owned_bytes("x")).code, Code::BadState);
  EXPECT_EQ(read_file(out_), "");
}

TEST(AtomicFile, AcceptsTheLongestName) {
  const TempDir dir;
  const std::string path = dir / std::string(255, 'n');
  EXPECT_TRUE(save(path, "old", false).ok());
  EXPECT_TRUE(save(path, "new", true).ok());
  EXPECT_EQ(read_file(path), "new");
}

TEST(AtomicFile, RefusesWhatIsNotARegularFile) {
  const TempDir dir;
  ASSERT_EQ(mkfifo((dir / "pipe").c_str(), 0600), 0);
  const std::pair<std::string, std::string> cases[] = {
      {dir.path(), "it is a directory, not a file"},
      {dir.path() + "/", "it is a directory, not a file"},
      {dir / "missing/", "the output path does not name a file"},
      {"", "the output path does not name a file"},
      {dir / "missing/out", "no such file or directory"},
      {dir / "pipe", "the output exists and is not a regular file"},
      {"/dev/null", "the output exists and is not a regular file"},
      {"/dev/null/out", "a part of the path is not a directory"},
  };
  for (const bool overwrite : {false, true}) {
    for (const auto& [path, message] : cases) {
      const Status status = save(path, "new", overwrite);
      EXPECT_EQ(status.code, Code::IoOpen) << path;
      EXPECT_EQ(status.message, message) << path;
    }
  }
}

TEST(AtomicFile, ReportsAFullDisk) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  const UniqueFd full(system_calls(), open("/dev/full", O_WRONLY));
  EXPECT_EQ(write_fully(system_calls(), full.get(), "x", 1).code, Code::IoNoSpace);
}

}  // namespace
}  // namespace dcf::impl::io
