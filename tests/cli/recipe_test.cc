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

// "a" and "b" of one size, "c" of another, and a bias.
Model three_layers() {
  Model model = gaussian_model(60, 50, 1);
  model.tensors[0].name = "a.weight";
  add_layer(&model, "b.weight", gaussian_model(60, 50, 2));
  add_layer(&model, "c.weight", gaussian_model(200, 150, 3));
  Model bias = gaussian_model(1, 600, 4);
  bias.tensors[0].dims = {600};
  add_layer(&model, "bias", bias);
  return model;
}

class RecipeQuality : public testing::Test {
 protected:
  Result run(const std::string& rules, std::vector<std::string> options = {}) {
    const std::string recipe = dir_.write("recipe.json", R"({"rules": [)" + rules + "]}");
    options.insert(options.begin(),
                   {"compress", in_, "-f", "-o", out_, "--json", "--recipe", recipe});
    return dcf(options);
  }
  // The SQNR of a tensor, in dB; 0 where it was left out.
  static double sqnr(const Result& result, const std::string& name) {
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    const auto report = result.json();
    for (const auto& tensor : report["loss"]["tensors"]) {
      if (tensor["name"] == name) return tensor["sqnr_db"];
    }
    return 0;
  }
  const TempDir dir_;
  const std::string in_ = save(dir_, "in.safetensors", three_layers());
  const std::string out_ = dir_.path("out.dcf");
};

TEST_F(RecipeQuality, ReplacesThatOfTheCommandLine) {
  const Result all = run("", {"--quality", "30"});
  const Result result = run(R"({"match": "^a", "quality": "balanced"})", {"--quality", "30"});
  EXPECT_NEAR(sqnr(result, "a.weight"), sqnr(all, "a.weight") + 10, 0.5);
  EXPECT_NEAR(sqnr(result, "b.weight"), sqnr(all, "b.weight"), 0.01);
  EXPECT_NEAR(sqnr(result, "c.weight"), sqnr(all, "c.weight"), 0.01);
  // What all tensors have by rules is what the option gives them.
  EXPECT_EQ(run(R"({"match": "", "quality": 30})").exit_code, 0);
  const std::string by_rule = read_text(out_);
  run("", {"--quality", "30"});
  EXPECT_TRUE(by_rule == read_text(out_));
}

TEST_F(RecipeQuality, WhatARuleKeepsIsSaidToBeKept) {
  const auto reason = [](const Result& result) {
    const auto report = result.json();
    for (const auto& tensor : report["left_out"]) {
      if (tensor["name"] == "a.weight") return tensor["reason"];
    }
    return nlohmann::ordered_json();
  };
  const std::string rule = R"({"match": "^a", "quality": "lossless"})";
  const Result rounded = run(rule, {"--quality", "40"});
  EXPECT_EQ(reason(rounded), "kept by its rule");
  const Result clustered = run(rule, {"--bits", "4"});
  EXPECT_EQ(reason(clustered), "kept by its rule");
  EXPECT_NE(clustered.err.find("clustering without"), std::string::npos);
  // Nothing is clustered, so that nothing is lost by it.
  const Result nothing = run(R"({"match": "x", "bits": 4})");
  EXPECT_EQ(nothing.err.find("clustering without"), std::string::npos);
}

TEST_F(RecipeQuality, WhereCentroidsStartNeedsCentroids) {
  const auto message = [&](const std::string& rule) {
    return run(rule).json()["error"]["message"].get<std::string>();
  };
  EXPECT_EQ(message(R"({"match": "^a", "bits": 4, "seed": 5})").substr(0, 25),
            "--seed needs --init forgy");
  EXPECT_EQ(message(R"({"match": "^a", "init": "optimal"})").substr(0, 30),
            "--init and --seed need --bits,");
}

TEST_F(RecipeQuality, MayBeOfSomeTensorsOnly) {
  const Result result = run(R"({"match": "^a", "quality": "40"}, {"match": "^b", "bits": 4})");
  EXPECT_GT(sqnr(result, "a.weight"), 35);
  EXPECT_EQ(sqnr(result, "c.weight"), 0);
  const auto report = result.json();
  EXPECT_EQ(report["tensors"][0]["codebook_size"], 0);
  EXPECT_GT(report["tensors"][1]["codebook_size"], 8);
  EXPECT_EQ(report["tensors"][3]["fidelity"], "bit-exact");
  EXPECT_EQ(report["left_out"][0]["reason"], "rank below 2");  // the bias
  EXPECT_EQ(report["left_out"][1]["reason"], "no option or rule asks for it");
  expect_success(dcf({"compare", in_, out_, "--bounds", "-q"}));
}

TEST_F(RecipeQuality, ReplacesClustersAndIsReplacedByThem) {
  const Result clustered = run(R"({"match": "^a", "bits": 3})", {"--quality", "30"});
  EXPECT_EQ(clustered.json()["tensors"][0]["codebook_size"], 8);
  EXPECT_GT(sqnr(clustered, "b.weight"), 25);
  const Result rounded =
      run(R"({"match": "^a", "quality": 30})", {"--bits", "3", "--positions", "gap"});
  EXPECT_EQ(rounded.json()["tensors"][0]["encoding"]["positions"], "dense");
  EXPECT_GT(sqnr(rounded, "a.weight"), 25);
  EXPECT_GT(rounded.json()["tensors"][1]["codebook_size"], 0);
  const Result kept = run(R"({"match": "^a", "quality": "lossless"})", {"--quality", "30"});
  EXPECT_EQ(sqnr(kept, "a.weight"), 0);
  EXPECT_EQ(kept.json()["tensors"][0]["fidelity"], "bit-exact");
  EXPECT_GT(sqnr(kept, "b.weight"), 25);
}

TEST_F(RecipeQuality, WarnsOfTheLowest) {
  EXPECT_EQ(run(R"({"match": "^a", "quality": "tiny"})", {"--quality", "30"}).err,
            "dcf: warning: at a quality of tiny most models lose accuracy; --eval measures it\n");
}

TEST_F(RecipeQuality, WhatMakesNoSenseIsRefused) {
  const auto refused = [&](const std::string& members, int code, const std::string& sentence,
                           const std::vector<std::string>& options = {}) {
    const Result result = run(R"({"match": "a", )" + members + "}", options);
    EXPECT_EQ(result.exit_code, code);
    const auto message = result.json()["error"]["message"].get<std::string>();
    EXPECT_NE(message.find(sentence), std::string::npos) << message;
  };
  for (const char* const bad : {"\"good\"", "5", "61", "null", "\"auto\"", "true", "[40]"}) {
    refused(std::string(R"("quality": )") + bad, 1,
            "rule 1: 'quality' is not lossless, near-lossless, balanced, small, tiny, or 6 to 60");
  }
  refused(R"("quality": 30, "bits": 4)", 1, "a quality excludes sparsity and bits");
  refused(R"("quality": 30, "positions": "gap")", 1, "what is rounded has dense positions");
  refused(R"("positions": "gap")", 2, "rule 1 of the recipe, with --quality: what is rounded",
          {"--quality", "30"});
  refused(R"("quality": 30)", 2, "--lossless excludes", {"--lossless"});
}

}  // namespace
}  // namespace dcf::tools::test
