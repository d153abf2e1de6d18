// SPDX-License-Identifier: Apache-2.0
// DCF_KERNEL, which a process reads once: each value in a process of its own, which is this program
// with the argument --open.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <dcf/dcf.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

// All sets that the library knows, on any processor.
const char* const kSets[] = {"scalar",      "ssse3", "avx2",   "avx512bw",
                             "avx512vbmi2", "neon",  "simd128"};

// Prints what a reader and a writer say, and the sum of what the file holds.
int open_and_print(const char* path) {
  auto file = dcf::File::open(path);
  const auto writer = dcf::Writer::open(std::string(path) + ".new");
  std::printf("%s|%s|", file ? "Ok" : dcf_status_name(file.error().status),
              writer ? "Ok" : dcf_status_name(writer.error().status));
  if (!file) std::printf("%s", file.error().message);
  if (!file) return 0;
  const dcf::Tensor tensor = file->tensor("w").value();
  double sum = 0;
  for (const float v : tensor.decode<float>().value()) sum += v;
  const std::vector<float> x(64, 1.0f);
  std::vector<float> y(64);
  dcf::Layer::prepare(tensor).value().apply(x, y).value();
  for (const float v : y) sum += v;
  std::printf("%.17g", sum);
  return 0;
}

struct Answer {
  std::string reader;
  std::string writer;
  std::string text;
};

class KernelChoice : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* const test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    path_ = ::testing::TempDir() + "kernel_choice_" + test + ".dcf";
    std::filesystem::remove(path_);
    dcf::Writer writer = dcf::Writer::open(path_).value();
    std::vector<float> w(64 * 64);
    for (size_t i = 0; i < w.size(); ++i) w[i] = i % 3 == 0 ? static_cast<float>(i % 16) : 0.0f;
    const uint64_t shape[] = {64, 64};
    writer.add<float>("w", w, shape).value();
    writer.finish().value();
  }
  void TearDown() override {
    std::filesystem::remove(path_);
    std::filesystem::remove(path_ + ".out");
  }

  // Of a process with DCF_KERNEL=value, or without it.
  Answer ask(const char* value) const {
    std::vector<std::string> variables;
    for (char** e = environ; *e != nullptr; ++e) {
      if (std::strncmp(*e, "DCF_KERNEL=", 11) != 0) variables.emplace_back(*e);
    }
    if (value != nullptr) variables.push_back(std::string("DCF_KERNEL=") + value);
    std::vector<char*> environment;
    for (std::string& v : variables) environment.push_back(v.data());
    environment.push_back(nullptr);
    std::string program = "/proc/self/exe";
    std::string option = "--open";
    std::string path = path_;
    char* arguments[] = {program.data(), option.data(), path.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const std::string out = path_ + ".out";
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t child = 0;
    EXPECT_EQ(
        posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environment.data()), 0);
    posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << (value != nullptr ? value : "unset");
    Answer answer;
    std::ifstream in(out);
    std::getline(in, answer.reader, '|');
    std::getline(in, answer.writer, '|');
    std::getline(in, answer.text);
    return answer;
  }

  std::string path_;
};

TEST_F(KernelChoice, UnsetAndEmptyHaveNoEffect) {
  for (const char* none : {static_cast<const char*>(nullptr), ""}) {
    const Answer answer = ask(none);
    EXPECT_EQ(answer.reader, "Ok");
    EXPECT_EQ(answer.writer, "Ok");
  }
}

// All small integers, so that sums are exact in any order.
TEST_F(KernelChoice, EverySetThatIsThereGivesTheSameResults) {
  const std::string expected = ask(nullptr).text;
  EXPECT_NE(expected, "");
  const std::string list = ask("none").text;
  int there = 0;
  for (const char* set : kSets) {
    const Answer answer = ask(set);
    if (list.find(std::string(" ") + set) != std::string::npos) {
      EXPECT_EQ(answer.reader, "Ok") << set;
      EXPECT_EQ(answer.writer, "Ok") << set;
      EXPECT_EQ(answer.text, expected) << set;
      ++there;
    } else {
      EXPECT_EQ(answer.reader, "InvalidArgument") << set;
      EXPECT_EQ(answer.writer, "InvalidArgument") << set;
      EXPECT_NE(answer.text.find("this processor lacks"), std::string::npos) << answer.text;
    }
  }
  EXPECT_GE(there, 1);
}

TEST_F(KernelChoice, UnknownNamesAreRefusedWithTheNamesThatArePossible) {
  for (const char* unknown : {"none", "AVX2", "avx2 ", "avx512", "scalar,avx2", "0"}) {
    const Answer answer = ask(unknown);
    EXPECT_EQ(answer.reader, "InvalidArgument") << unknown;
    EXPECT_EQ(answer.writer, "InvalidArgument") << unknown;
    EXPECT_NE(answer.text.find("DCF_KERNEL"), std::string::npos) << answer.text;
    EXPECT_NE(answer.text.find("it can be scalar"), std::string::npos) << answer.text;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--open") == 0) return open_and_print(argv[2]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
