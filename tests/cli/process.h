// SPDX-License-Identifier: Apache-2.0
// Runs the dcf program as a user would.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace dcf::tools::test {

struct Result {
  int exit_code = -1;  // -1: a signal ended it
  int signal = 0;
  std::string out, err;
  uint64_t peak_bytes = 0;  // resident memory

  // Standard output as JSON; a test failure if it is none.
  nlohmann::ordered_json json() const;
};

struct Setting {
  std::string stdin_path = "/dev/null";
  std::string stdout_path;                              // empty: into Result::out
  std::string program = DCF_PROGRAM;                    // copies of it run as other users
  std::function<bool()> prepare = [] { return true; };  // in the child, before the program
};

// The program ends by a signal once it has used this much of a processor. For work that takes a
// fraction of it, or minutes where its time grows faster than its input.
Setting within_cpu_seconds(uint64_t seconds);

// A dcf process. wait() must be called once.
class Child {
 public:
  explicit Child(const std::vector<std::string>& args, const Setting& setting = {});
  pid_t pid() const { return pid_; }
  void signal(int number) const;
  bool is_running() const;
  Result wait();

 private:
  pid_t pid_ = -1;
  std::string out_path_, err_path_;
};

Result dcf(const std::vector<std::string>& args, const Setting& setting = {});

// Expects exit code 0 and nothing on stderr.
void expect_success(const Result& result);
// Expects this exit code, and exactly one line on stderr, which contains `text`.
void expect_failure(const Result& result, int exit_code, const std::string& text);

}  // namespace dcf::tools::test
