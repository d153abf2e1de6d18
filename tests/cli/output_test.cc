// SPDX-License-Identifier: Apache-2.0
// Outputs appear whole or not at all: existing files, full disks, interrupted runs.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <thread>

#include "models.h"
#include "process.h"
#include "support/sample.h"

namespace dcf::tools::test {
namespace {

namespace fs = std::filesystem;

TEST(Output, IsNeverReplacedUnasked) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const std::string packed = dir.write("m.dcf", compress(dir, in, {}));
  const std::string old = dir.write("old", "precious");
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"compress", in, "-o", old},
           {"decompress", packed, "--to", "safetensors", "-o", old},
           {"cat", packed, "fc1.weight", "-o", old}}) {
    SCOPED_TRACE(args[0]);
    dir.write("old", "precious");
    expect_failure(dcf(args), 2, old);
    EXPECT_EQ(read_text(old), "precious");
    std::vector<std::string> forced = args;
    forced.emplace_back("-f");
    expect_success(dcf(forced));
    EXPECT_NE(read_text(old), "precious");
  }
  EXPECT_EQ(dir.list().size(), 4u);  // in, m.dcf, old, out.dcf
}

TEST(Output, AForcedOutputKeepsItsPermissionsAndItsLink) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const std::string packed = dir.write("m.dcf", compress(dir, in, {}));
  const std::string target = dir.write("target", "old");
  const std::string link = dir.path("link");
  fs::create_symlink("target", link);
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"compress", in},
           {"compress", in, "--eval", "echo 1 {} >/dev/null; echo 1"},
           {"decompress", packed, "--to", "safetensors"},
           {"cat", packed, "fc1.weight"}}) {
    SCOPED_TRACE(args[0]);
    dir.write("target", "old");
    fs::permissions(target, fs::perms(0600));
    std::vector<std::string> forced = args;
    forced.insert(forced.end(), {"-f", "-o", link});
    expect_success(dcf(forced));
    EXPECT_NE(read_text(target), "old");
    EXPECT_TRUE(fs::is_symlink(link));
    EXPECT_EQ(fs::status(target).permissions(), fs::perms(0600));
  }
}

TEST(Output, TheModelsOfAnEvaluationArePrivateAndGoAway) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  fs::create_directory(dir.path("tmp"));
  const Setting setting{
      .prepare = [&] { return setenv("TMPDIR", dir.path("tmp").c_str(), 1) == 0; }};
  const std::string log = dir.path("log");
  expect_success(dcf({"compress", in, "-o", dir.path("out"), "--eval",
                      "stat -c %a {} $(dirname {}) >>'" + log + "'; echo 1"},
                     setting));
  EXPECT_EQ(read_text(log), "600\n700\n600\n700\n");
  EXPECT_TRUE(fs::is_empty(dir.path("tmp")));

  // Killed outright, too; then the command, which sleeps, is not.
  for (const int signal_number : {SIGTERM, SIGKILL}) {
    const std::string mark = dir.path("mark");
    Child child({"compress", in, "-o", dir.path("none"), "--eval",
                 "sh -c 'echo $$ >" + mark + "; exec sleep 60'; echo 1 # {}"},
                setting);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    const auto wait_until = [&](const std::function<bool()>& done) {
      while (!done() && std::chrono::steady_clock::now() < give_up) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      return done();
    };
    EXPECT_TRUE(wait_until([&] { return fs::exists(mark) && fs::file_size(mark) > 0; }));
    const pid_t sleeper = std::stoi(read_text(mark));
    EXPECT_FALSE(fs::is_empty(dir.path("tmp")));
    child.signal(signal_number);
    EXPECT_EQ(child.wait().signal, signal_number);
    EXPECT_TRUE(wait_until([&] { return fs::is_empty(dir.path("tmp")); }));
    if (signal_number == SIGTERM) EXPECT_TRUE(wait_until([&] { return kill(sleeper, 0) != 0; }));
    kill(sleeper, SIGKILL);
    fs::remove(mark);
  }
}

TEST(Output, AFolderOrADeviceIsRefused) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  fs::create_directory(dir.path("folder"));
  for (const std::string& out :
       {dir.path("folder"), std::string("/dev/full"), dir.path("missing/out.dcf")}) {
    expect_failure(dcf({"compress", in, "-f", "-o", out}), 2, out);
  }
  EXPECT_EQ(dir.list().size(), 2u);
}

TEST(Output, AFullStandardOutputIsAnError) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const std::string packed = dir.write("m.dcf", compress(dir, in, {}));
  const Setting full{.stdout_path = "/dev/full"};
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"compress", in, "-o", "-"},
                                             {"decompress", packed, "-o", "-"},
                                             {"cat", packed, "fc1.weight"},
                                             {"info", packed},
                                             {"info", "--json", packed},
                                             {"verify", packed},
                                             {"compare", in, packed},
                                             {"--help"},
                                             {"--version"},
                                             {"help", "compress"}}) {
    SCOPED_TRACE(args[0]);
    const Result result = dcf(args, full);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    if (std::find(args.begin(), args.end(), "--json") == args.end())
      expect_failure(result, 2, "standard output");
  }
}

// A file system of 128 KiB, seen by this process alone. False where that is not allowed.
bool mount_tiny_disk(const std::string& at) {
  return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
         mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("tmpfs", at.c_str(), "tmpfs", 0, "size=128k") == 0;
}

TEST(Output, AFullDiskLeavesTheOldFile) {
  const TempDir dir;
  fs::create_directory(dir.path("disk"));
  const std::string in = save(dir, "in.safetensors", gaussian_model(200, 400));  // 320,000 bytes
  const std::string packed = dir.write("m.dcf", compress(dir, in, {}));
  if (!mount_tiny_disk(dir.path("disk"))) GTEST_SKIP() << "needs the right to mount";
  dir.write("disk/old", "precious");
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"compress", in, "-f", "-o", dir.path("disk/old")},
           {"decompress", packed, "--to", "safetensors", "-f", "-o", dir.path("disk/old")},
           {"cat", packed, "layer.weight", "-f", "-o", dir.path("disk/old")}}) {
    SCOPED_TRACE(args[0]);
    expect_failure(dcf(args), 2, "no space");
    EXPECT_EQ(read_text(dir.path("disk/old")), "precious");
    EXPECT_EQ(std::distance(fs::directory_iterator(dir.path("disk")), {}), 1);
  }
  umount2(dir.path("disk").c_str(), MNT_DETACH);
}

// As ulimit -f sets it. The signal that comes with it would end the program without a word.
TEST(Output, AFileThatIsLargerThanTheSystemAllowsIsAnError) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", gaussian_model(200, 400));  // 320,000 bytes
  const std::string packed = dir.write("m.dcf", compress(dir, in, {}));
  const size_t before = dir.list().size();
  Setting limited;
  limited.prepare = [] {
    const rlimit most{100000, 100000};
    return setrlimit(RLIMIT_FSIZE, &most) == 0;
  };
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"compress", in, "-o", dir.path("new.dcf")},
           {"decompress", packed, "-o", dir.path("new.safetensors")},
           {"decompress", packed, "-o", dir.path("folder/")}}) {
    SCOPED_TRACE(args[0]);
    expect_failure(dcf(args, limited), 2, "larger than the system allows");
    EXPECT_EQ(dir.list().size(), before);
  }
}

// A terabyte of zeros: a chunk for each row, none of which has an entry.
Bytes terabyte_of_zeros() {
  constexpr uint64_t kRows = uint64_t{1} << 18;
  constexpr uint64_t kCols = uint64_t{1} << 22;
  impl::testing::Sample s;
  s.name = "w";
  s.dtype = impl::DType::kI8;
  s.dims = {2, 1};
  s.words = {0, 0};
  s.encoding.positions = impl::format::Positions::kBitmap;
  s.encoding.values = impl::format::Values::kInt;
  s.rows_per_chunk = 1;
  impl::testing::FileParts parts = impl::testing::make_parts({s});
  parts.columns.dims = {kRows, kCols};
  parts.columns.chunk_entries.assign(kRows, 0);
  parts.chunks.assign(kRows, {});
  return assemble(std::move(parts));
}

// A few bytes of file may decode to more than any disk holds.
TEST(Output, AFileThatDecodesToTooMuchIsRefusedBeforeAnythingIsWritten) {
  const TempDir dir;
  const std::string file = dir.write("zeros.dcf", terabyte_of_zeros());
  const std::string bytes = "1099511627776";
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"decompress", file, "-o", dir.path("out.safetensors")},
           {"cat", file, "w", "-o", dir.path("out")}}) {
    const Result result = dcf(args);
    expect_failure(result, 2, "no space");
    EXPECT_NE(result.err.find(bytes), std::string::npos) << result.err;
  }
  const Result limited = dcf({"decompress", file, "-o", dir.path("out.npz"), "--max-output", "1G"});
  expect_failure(limited, 1, "more than the 1073741824 of --max-output");
  EXPECT_NE(limited.err.find(bytes), std::string::npos) << limited.err;
  EXPECT_EQ(dir.list(), std::vector<std::string>{"zeros.dcf"});
}

TEST(Output, AModelWithinTheLimitIsWritten) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", gaussian_model(100, 256));  // 102,400 bytes
  const std::string file = dir.write("m.dcf", compress(dir, in, {}));
  expect_success(dcf({"decompress", file, "-q", "-o", dir.path("a.npz"), "--max-output", "100k"}));
  expect_failure(dcf({"decompress", file, "-o", dir.path("b.npz"), "--max-output", "102399"}), 1,
                 "--max-output");
}

// The report of an output that is in place is no reason to fail.
TEST(Output, ALimitOfMemoryThatTheReportBreaksDoesNotCount) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  for (const char* const way : {"-q", "-v", "--json"}) {
    const std::string out = dir.path(std::string("out") + way);
    const int quiet =
        dcf({"compress", in, "-o", dir.path("quiet"), "-f", "-q", "-M", "1k"}).exit_code;
    const Result result = dcf({"compress", in, "-o", out, "-M", "1k", way});
    EXPECT_EQ(result.exit_code, quiet) << way << result.out << result.err;
    EXPECT_EQ(fs::exists(out), result.exit_code == 0) << way;
  }
}

// Has the process begun an output in the folder: a new name, or an open file without one?
bool is_writing(pid_t pid, const TempDir& dir, const std::vector<std::string>& before) {
  if (dir.list() != before) return true;
  std::error_code gone;
  for (const auto& fd : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone)) {
    const std::string target = fs::read_symlink(fd.path(), gone).string();
    if (target.starts_with(dir.path("")) && target.ends_with(" (deleted)")) return true;
  }
  return false;
}

// Sends the signal this long after the output was begun.
void expect_interrupted_cleanly(const std::vector<std::string>& args, const TempDir& dir,
                                int signal_number, std::chrono::milliseconds after = {}) {
  dir.write("old", "precious");
  const auto before = dir.list();
  Child child(args);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (child.is_running() && !is_writing(child.pid(), dir, before) &&
         std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  std::this_thread::sleep_for(after);
  EXPECT_TRUE(child.is_running()) << "too quick to be interrupted";
  child.signal(signal_number);
  const Result result = child.wait();
  EXPECT_EQ(result.signal, signal_number) << result.exit_code << result.err;
  EXPECT_EQ(read_text(dir.path("old")), "precious");
  EXPECT_EQ(dir.list(), before);
}

TEST(Output, AnInterruptedCompressLeavesTheOldFile) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", gaussian_model(1000, 2000));
  // The first check of the output, and the work itself, which takes far longer.
  for (const auto after : {std::chrono::milliseconds(0), std::chrono::milliseconds(20)}) {
    for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
      SCOPED_TRACE(signal_number);
      expect_interrupted_cleanly(
          {"compress", in, "-f", "-o", dir.path("old"), "--bits", "8", "--init", "optimal"}, dir,
          signal_number, after);
    }
  }
}

TEST(Output, AnInterruptedDecompressOrCatLeavesTheOldFile) {
  const TempDir dir;
  const Model model = gaussian_model(1000, 1000);
  const std::string in = dir.write("m.dcf", compress(dir, save(dir, "in.safetensors", model), {}));
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGKILL}) {
    SCOPED_TRACE(signal_number);
    expect_interrupted_cleanly({"decompress", in, "--to", "npz", "-f", "-o", dir.path("old")}, dir,
                               signal_number);
    expect_interrupted_cleanly({"cat", in, "layer.weight", "-f", "-o", dir.path("old")}, dir,
                               signal_number);
  }
}

// The reader of a pipe may leave: the program ends, without a word on what it cannot help.
TEST(Output, AClosedPipeEndsTheProgram) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", gaussian_model(300, 300));
  Setting setting;
  setting.prepare = [] {
    int ends[2];
    return pipe(ends) == 0 && dup2(ends[1], STDOUT_FILENO) >= 0 && close(ends[0]) == 0 &&
           close(ends[1]) == 0;
  };
  const Result result = dcf({"compress", in, "-o", "-"}, setting);
  EXPECT_TRUE(result.signal == SIGPIPE || result.exit_code == 2) << result.exit_code;
}

}  // namespace
}  // namespace dcf::tools::test
