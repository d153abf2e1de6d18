// SPDX-License-Identifier: Apache-2.0
#include "peak_memory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <fstream>
#include <vector>

#include "harness.h"
#include "layers.h"

namespace dcf::bench {
namespace {

uint64_t own_peak() {
  constexpr uint64_t kKilo = 1024;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * kKilo;
  }
  return 0;
}

void stream(const dcf_file* file) {
  constexpr uint64_t kRows = 64;
  const dcf_tensor_info info = describe(file);
  std::vector<float> piece(std::min(kRows, info.rows) * info.cols);
  for (uint64_t row = 0; row < info.rows; row += kRows) {
    dcf_error error = DCF_ERROR_INIT;
    check(dcf_tensor_decode_rows(file, 0, DCF_DTYPE_F32, row, std::min(kRows, info.rows - row),
                                 piece.data(), piece.size() * sizeof(float), &error),
          error);
  }
}

}  // namespace

int run_child(const std::string& what, const std::string& path) {
  try {
    const File file = open_path(path, 1);
    dcf_error error = DCF_ERROR_INIT;
    if (what == "verify") check(dcf_file_verify(file.get(), nullptr, nullptr, &error), error);
    if (what == "stream") stream(file.get());
    std::printf("%llu\n", static_cast<unsigned long long>(own_peak()));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

uint64_t peak_memory(const std::string& what, const std::string& path) {
  std::array<int, 2> ends{};
  require(pipe(ends.data()) == 0, "no pipe");
  const pid_t child = fork();
  require(child >= 0, "no process");
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl("/proc/self/exe", "dcf_bench", kChildOption, what.c_str(), path.c_str(), nullptr);
    _exit(1);
  }
  close(ends[1]);
  std::array<char, 64> text{};
  const ssize_t size = read(ends[0], text.data(), text.size() - 1);
  close(ends[0]);
  int status = 0;
  require(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
              size > 0,
          what + " of " + path + " failed");
  return std::stoull(text.data());
}

}  // namespace dcf::bench
