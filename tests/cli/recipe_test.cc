// SPDX-License-Identifier: Apache-2.0
// Patterns of recipes: what they match, and that no pattern and no name can stop the program.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

constexpr uint64_t kSeconds = 10;  // of a processor; a match takes far less than one

std::string with_pattern(const TempDir& dir, const std::string& pattern) {
  const nlohmann::json recipe = {{"rules", {{{"match", pattern}, {"bits", 2}}}}};
  return dir.write("recipe.json", recipe.dump());
}

// Whether the pattern matches the name: a tensor that a rule matches gets a palette.
bool matches(const std::string& pattern, const std::string& name) {
  const TempDir dir;
  Model model = gaussian_model(30, 30);
  model.tensors[0].name = name;
  const std::string in = save(dir, "in.safetensors", model);
  const Result result = dcf(
      {"compress", in, "-o", dir.path("out.dcf"), "--json", "--recipe", with_pattern(dir, pattern)},
      within_cpu_seconds(kSeconds));
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  return result.json()["tensors"][0]["codebook_size"] > 0;
}

TEST(Recipe, APatternMatchesAnywhere) {
  EXPECT_TRUE(matches("fc", "model.fc1.weight"));
  EXPECT_TRUE(matches("", "model.fc1.weight"));
  EXPECT_TRUE(matches("^model\\.fc[0-9]+\\.weight$", "model.fc1.weight"));
  EXPECT_FALSE(matches("^fc", "model.fc1.weight"));
  EXPECT_FALSE(matches("fc$", "model.fc1.weight"));
  EXPECT_TRUE(matches("^.$", "\xe5\xb1\xa4"));  // a character, not a byte
  EXPECT_TRUE(matches("(?i)FC1", "model.fc1.weight"));
}

std::string repeated(const std::string& text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

// Each made a matcher that backtracks recurse without end, or run for as long as one cares to wait.
TEST(Recipe, BombsOfPatternsAndNames) {
  EXPECT_FALSE(matches("^(.*[.])*weight$", repeated("a.", 27) + "b"));
  EXPECT_FALSE(matches("^(.*[.])*weight$", repeated("a.", 2000) + "b"));
  EXPECT_TRUE(matches("^(a|b)*$", repeated("a", 4096)));

  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const std::vector<std::pair<std::string, std::string>> refused = {
      {repeated("(", 20'000) + repeated(")", 20'000), "longer than 4096 bytes"},
      {"((a{100}){100}){100}", "repetition"},
      {"(", "not a regular expression"},
      {"(?=.*weight)fc", "look-around"},
      {"(?!bias)fc", "look-around"},
      {"(?<=fc)1", "look-around"},
      {"(?<!fc)1", "look-around"},
      {"(a)\\1", "back-reference"},
  };
  for (const auto& [pattern, sentence] : refused) {
    SCOPED_TRACE(pattern.substr(0, 40));
    const Result result =
        dcf({"compress", in, "-o", dir.path("out.dcf"), "--recipe", with_pattern(dir, pattern)},
            within_cpu_seconds(kSeconds));
    expect_failure(result, 1, sentence);
    EXPECT_NE(result.err.find("rule 1: 'match'"), std::string::npos) << result.err;
    EXPECT_LT(result.err.size(), 500u);
  }
}

// The stack of 2 MiB is not touched by the length of a name.
TEST(Recipe, ALongNameTakesNoStack) {
  const TempDir dir;
  Model model = gaussian_model(30, 30);
  model.tensors[0].name = repeated("ab", 2048);
  const std::string in = save(dir, "in.safetensors", model);
  Setting setting;
  setting.prepare = [] {
    const rlimit small{uint64_t{512} << 10, uint64_t{512} << 10};
    return setrlimit(RLIMIT_STACK, &small) == 0;
  };
  expect_success(dcf(
      {"compress", in, "-q", "-o", dir.path("out.dcf"), "--recipe", with_pattern(dir, "^(a|b)*$")},
      setting));
}

}  // namespace
}  // namespace dcf::tools::test
