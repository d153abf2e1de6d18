// SPDX-License-Identifier: Apache-2.0
// Every system call of a save fails in turn: the path then holds the old file or the new one,
// whole, with the right code, and nothing else is left in the directory.
#include "faults.h"

#include <sys/wait.h>
#include <unistd.h>

#include "io/atomic_file.h"
#include "temp_dir.h"

namespace dcf::impl::io {
namespace {

const std::string kOld = "the old file";
const std::string kNew = "the new file, of another length";

Status save(const std::string& path, bool overwrite) {
  DCF_ASSIGN(auto file, AtomicFile::create(path.c_str(), overwrite, faulty_calls()));
  const std::vector<uint8_t> bytes = owned_bytes(kNew);
  DCF_TRY(file->append(Bytes(bytes).first(10)));
  DCF_TRY(file->append(Bytes(bytes).subspan(10)));
  return file->commit();
}

Code expected_code(const std::string& call, int error) {
  if (error == ENOSPC) return Code::IoNoSpace;
  if (call == "openat" || call == "fchmod") return Code::IoOpen;
  if (call == "write" || call == "close") return Code::IoWrite;
  if (call == "fsync") return Code::IoSync;
  return Code::IoRename;
}

// What the file system can do, and whether there is an old file to replace.
struct Setting {
  bool overwrite, no_tmpfile, no_noreplace;
};

class SaveFaults : public testing::TestWithParam<Setting> {
 protected:
  void prepare() {
    for (const std::string& name : dir_.names()) std::filesystem::remove(dir_ / name);
    if (GetParam().overwrite) write_file(out_, kOld);
  }
  FaultPlan plan() const {
    return {.no_tmpfile = GetParam().no_tmpfile, .no_noreplace = GetParam().no_noreplace};
  }
  bool old_is_whole() const {
    return GetParam().overwrite ? read_file(out_) == kOld : !std::filesystem::exists(out_);
  }
  const TempDir dir_;
  const std::string out_ = dir_ / "out";
};
INSTANTIATE_TEST_SUITE_P(FileSystems, SaveFaults,
                         testing::Values(Setting{false, false, false}, Setting{false, true, false},
                                         Setting{false, true, true}, Setting{true, false, false},
                                         Setting{true, true, false}));

TEST_P(SaveFaults, EveryFailingCall) {
  int failures = 0;
  for (const int error : {EIO, ENOSPC, EACCES}) {
    for (int k = 0;; ++k) {
      prepare();
      fault_plan = plan();
      fault_plan.fail_at = k;
      fault_plan.error = error;
      const Status status = save(out_, GetParam().overwrite);
      const std::string call = fault_plan.failed;
      if (call.empty()) break;
      const std::string where = call + ", call " + std::to_string(k);
      if (status.ok()) {
        // What can fail without loss: a close after everything was flushed, a nameless temporary
        // file where a named one will do, the first try to remove a second name.
        EXPECT_TRUE(call == "close" || call == "openat" || call == "unlinkat") << where;
        EXPECT_EQ(read_file(out_), kNew) << where;
      } else {
        ++failures;
        EXPECT_EQ(status.code, expected_code(call, error)) << where;
        EXPECT_EQ(status.system_error, error) << where;
        // Only the flush of the directory comes after the file is in place.
        const bool in_place = call == "fsync" && !old_is_whole();
        if (in_place) EXPECT_EQ(read_file(out_), kNew) << where;
        if (!in_place) EXPECT_TRUE(old_is_whole()) << where;
      }
      for (const std::string& name : dir_.names()) EXPECT_EQ(name, "out") << where;
    }
  }
  EXPECT_GE(failures, 15);
}

TEST_P(SaveFaults, InterruptionsAndShortCounts) {
  prepare();
  fault_plan = plan();
  fault_plan.interrupt = true;
  fault_plan.short_counts = true;
  EXPECT_TRUE(save(out_, GetParam().overwrite).ok());
  EXPECT_EQ(read_file(out_), kNew);
  EXPECT_EQ(dir_.names(), std::set<std::string>{"out"});
}

// The process ends at each call in turn. At most one temporary file is left, and only where there
// are no nameless ones, or between naming one and moving it over the old file.
TEST_P(SaveFaults, AKilledProcess) {
  for (int k = 0, done = 0; done == 0; ++k) {
    prepare();
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      fault_plan = plan();
      fault_plan.stop_at = k;
      const bool saved = save(out_, GetParam().overwrite).ok() && fault_plan.calls <= k;
      _exit(saved ? 1 : 0);
    }
    int wait_status = 0;
    ASSERT_EQ(waitpid(child, &wait_status, 0), child);
    done = WEXITSTATUS(wait_status);
    EXPECT_TRUE(old_is_whole() || read_file(out_) == kNew) << k;
    size_t debris = 0;
    for (const std::string& name : dir_.names()) debris += name != "out";
    EXPECT_LE(debris, GetParam().no_tmpfile || GetParam().overwrite ? 1u : 0u) << k;
  }
}

}  // namespace
}  // namespace dcf::impl::io
