// SPDX-License-Identifier: Apache-2.0
// Inputs that are no model: one clear sentence and the documented exit code, and nothing written.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

std::string entry(const std::string& name, const std::string& shape, uint64_t begin, uint64_t end) {
  return "\"" + name + R"(":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[)" +
         std::to_string(begin) + "," + std::to_string(end) + "]}";
}

struct Case {
  const char* name;
  std::string content;
  const char* sentence;  // a part of it
  int exit_code = 1;
};

// 1: the file is wrong. 2: it is an honest file of a kind that is not supported.
std::vector<Case> bad_inputs() {
  const std::string eight(8, '\1');
  const std::string whole = safetensors("{" + entry("a", "[2]", 0, 8) + "}", eight);
  return {
      {"text.txt", "Dear reader,\nthis is a letter and no model.\n", "--layers"},
      {"empty", "", ""},
      {"pickle.pt", std::string("\x80\x02}q\0X\6\0\0\0weightq\1K\1s.", 22), "pickle", 2},
      {"torch_zip.pt", zip({{"archive/data.pkl", "\x80\x02}q."}, {"archive/version", "3\n"}}),
       "pickle", 2},
      {"cut_header.safetensors", whole.substr(0, 20), "cut off"},
      {"cut_data.safetensors", whole.substr(0, whole.size() - 1), "cut off"},
      {"longer.safetensors", whole + "x", "after the last tensor"},
      {"overlap.safetensors",
       safetensors("{" + entry("a", "[2]", 0, 8) + "," + entry("b", "[1]", 4, 8) + "}", eight),
       "overlaps"},
      {"gap.safetensors",
       safetensors("{" + entry("a", "[1]", 0, 4) + "," + entry("b", "[0]", 8, 8) + "}", eight), ""},
      {"twice.safetensors",
       safetensors("{" + entry("a", "[1]", 0, 4) + "," + entry("a", "[1]", 4, 8) + "}", eight),
       "twice"},
      {"wraps.safetensors",
       safetensors("{" + entry("a", "[4294967296,4294967296,2]", 0, 0) + "}", ""), ""},
      {"wraps_to_fit.safetensors",
       safetensors("{" + entry("a", "[4611686018427387905,2]", 0, 8) + "}", eight), ""},
      {"huge_header.safetensors", "\xff\xff\xff\xff\xff\xff\xff\x7f{}", ""},
      {"no_json.safetensors", safetensors("{\"a\": nonsense", ""), ""},
      {"array.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9,), }", eight), ""},
      {"objects.npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", eight), "",
       2},
      {"cut.npz", zip({{"a.npy", "x"}}).substr(0, 30), ""},
      {"model.json", "{\"weightsManifest\": 7}", ""},
      {"evil.json", R"({"weightsManifest":[{"paths":["../../secret"],"weights":[]}]})", "secret"},
  };
}

TEST(BadInput, OneSentenceAndTheDocumentedExitCode) {
  for (const Case& bad : bad_inputs()) {
    SCOPED_TRACE(bad.name);
    const TempDir dir;
    const std::string input = dir.write(bad.name, bad.content);
    const Result result = dcf({"compress", input, "-o", dir.path("out.dcf")});
    expect_failure(result, bad.exit_code, input);
    EXPECT_NE(result.err.find(bad.sentence), std::string::npos) << result.err;
    EXPECT_EQ(dir.list().size(), 1u);

    const Result json = dcf({"compress", "--json", input, "-o", dir.path("out.dcf")});
    EXPECT_EQ(json.exit_code, bad.exit_code);
    EXPECT_EQ(json.err, "");
    EXPECT_EQ(json.json()["error"].size(), 7u);
    expect_failure(dcf({"compare", input, input}), bad.exit_code, input);
    expect_failure(dcf({"verify", input}), bad.exit_code, input);
    expect_failure(dcf({"info", input}), bad.exit_code, input);
    // None of them is a .dcf file, whatever else it may be.
    expect_failure(dcf({"decompress", input, "-o", dir.path("out.safetensors")}), 1, input);
  }
}

TEST(BadInput, NoFileADirectoryADevice) {
  const TempDir dir;
  std::filesystem::create_directory(dir.path("folder"));
  for (const std::string& input :
       {dir.path("missing.safetensors"), dir.path("folder"), dir.path("missing/deeper.safetensors"),
        std::string("/dev/null")}) {
    SCOPED_TRACE(input);
    expect_failure(dcf({"compress", input, "-o", dir.path("out.dcf")}), 2, input);
    expect_failure(dcf({"verify", input}), 2, input);
    expect_failure(dcf({"info", input}), 2, input);
    expect_failure(dcf({"decompress", input, "-o", dir.path("out.safetensors")}), 2, input);
    expect_failure(dcf({"compare", input, input}), 2, input);
  }
  EXPECT_EQ(dir.list(), std::vector<std::string>{"folder"});
}

// As root nothing is forbidden, so the program, a copy within reach, runs as another user.
class Forbidden : public ::testing::Test {
 protected:
  static constexpr uid_t kNobody = 65534;

  Forbidden() {
    namespace fs = std::filesystem;
    setting_.program = dir_.path("program");
    fs::copy_file(DCF_PROGRAM, setting_.program);
    fs::permissions(dir_.path(""), fs::perms(0755));
    fs::permissions(setting_.program, fs::perms(0755));
    if (geteuid() == 0) {
      setting_.prepare = [] { return setgid(kNobody) == 0 && setuid(kNobody) == 0; };
    }
  }

  TempDir dir_;
  Setting setting_;
};

TEST_F(Forbidden, AnUnreadableInput) {
  const std::string input = save(dir_, "in.safetensors", sparse_model());
  std::filesystem::create_directory(dir_.path("open"));
  std::filesystem::permissions(dir_.path("open"), std::filesystem::perms(0777));
  const std::vector<std::string> args = {"compress", input, "-q", "-o", dir_.path("open/out.dcf")};
  std::filesystem::permissions(input, std::filesystem::perms(0644));
  expect_success(dcf(args, setting_));
  std::filesystem::permissions(input, std::filesystem::perms(0));
  std::filesystem::remove(dir_.path("open/out.dcf"));
  expect_failure(dcf(args, setting_), 2, "no permission");
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path("open")));

  const std::string packed =
      dir_.write("p.dcf", read_text(source_file("tests/golden/v0/dense.dcf")));
  std::filesystem::permissions(packed, std::filesystem::perms(0));
  expect_failure(dcf({"verify", packed}, setting_), 2, packed);
}

TEST_F(Forbidden, AnOutputFolder) {
  const std::string input = save(dir_, "in.safetensors", sparse_model());
  std::filesystem::permissions(input, std::filesystem::perms(0644));
  std::filesystem::create_directory(dir_.path("closed"));
  std::filesystem::permissions(dir_.path("closed"), std::filesystem::perms(0555));
  const std::string output = dir_.path("closed/out.dcf");
  expect_failure(dcf({"compress", input, "-o", output}, setting_), 2, output);
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path("closed")));
}

TEST(BadInput, TooLittleMemoryIsALimit) {
  const TempDir dir;
  const std::string packed =
      dir.write("m.dcf", compress(dir, save(dir, "in.safetensors", gaussian_model(300, 300)), {}));
  const Result result = dcf({"verify", packed, "--json", "-M", "4k"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.json()["error"]["name"], "LimitMemory");
}

}  // namespace
}  // namespace dcf::tools::test
