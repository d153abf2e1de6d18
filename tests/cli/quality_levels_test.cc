// SPDX-License-Identifier: Apache-2.0
// `--quality` as a user has it: levels, what is promised, what is refused, parts.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "cli/display.h"
#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

// A large and a small layer, a bias, and weights that hold NaN.
Model layers() {
  Model model = gaussian_model(300, 400, 1);
  model.tensors[0].name = "large";
  add_layer(&model, "small", gaussian_model(40, 50, 2));
  Model holed = gaussian_model(40, 50, 3);
  const float nan = std::nanf("");
  std::memcpy(holed.data[0].data() + 400, &nan, sizeof nan);
  add_layer(&model, "holed", holed);
  Model bias = gaussian_model(1, 400, 4);
  bias.tensors[0].dims = {400};
  add_layer(&model, "bias", bias);
  return model;
}

double sqnr_of(const nlohmann::ordered_json& report, const std::string& name) {
  for (const auto& tensor : report["loss"]["tensors"]) {
    if (tensor["name"] == name) return tensor["sqnr_db"];
  }
  return 0;
}

TEST(Quality, LevelsAreDecibels) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", layers());
  std::string before;
  for (const auto& [level, decibels] : std::vector<std::pair<std::string, std::string>>{
           {"near-lossless", "50"}, {"balanced", "40"}, {"small", "30"}, {"tiny", "20"}}) {
    const std::string file = compress(dir, input, {"--quality", level});
    EXPECT_EQ(file, compress(dir, input, {"--quality", decibels})) << level;
    if (!before.empty()) EXPECT_LT(file.size(), before.size());
    before = file;
  }
}

TEST(Quality, LargeTensorsAreCoarserAndBoundsHold) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", layers());
  const std::string out = dir.path("out.dcf");
  const Result run = dcf({"compress", input, "-o", out, "--quality", "30", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const auto report = run.json();
  // 120,000 weights and 2,000.
  EXPECT_NEAR(sqnr_of(report, "small") - sqnr_of(report, "large"), 17.8, 0.6);
  EXPECT_EQ(report["left_out"].size(), 2u);
  EXPECT_EQ(report["left_out"][0]["reason"], "rank below 2");
  EXPECT_EQ(report["left_out"][1]["reason"], "holds NaN (1 value)");
  expect_success(dcf({"compare", input, out, "--bounds", "-q"}));
  EXPECT_NE(dcf({"compare", input, out, "-q"}).exit_code, 0);
  const auto info = dcf({"info", "--json", out}).json();
  for (const auto& tensor : info["tensors"]) {
    const bool lossy = tensor["name"] == "large" || tensor["name"] == "small";
    EXPECT_EQ(tensor["fidelity"], lossy ? "lossy" : "bit-exact") << tensor["name"];
    EXPECT_EQ(tensor["error_bound"].get<double>() > 0, lossy);
  }
}

TEST(Quality, ReportNamesWhatWasLost) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", layers());
  const Result run = dcf({"compress", input, "-o", dir.path("o.dcf"), "--quality", "balanced"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.err, "");
  EXPECT_NE(run.out.find("SQNR of 2 rounded tensors: worst 39"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("holed: holds NaN (1 value)"), std::string::npos) << run.out;
}

TEST(Quality, TinyAndPruningSayWhatTheyCost) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", layers());
  const auto warnings = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"compress", "-f", input, "-o", dir.path("o.dcf")});
    const Result run = dcf(options);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run.err;
  };
  EXPECT_EQ(warnings({"--quality", "tiny"}),
            "dcf: warning: at a quality of tiny most models lose accuracy; --eval measures it\n");
  EXPECT_EQ(warnings({"--quality", "small"}), "");
  EXPECT_EQ(warnings({"--quality", "tiny", "-q"}), "");
  EXPECT_NE(warnings({"--sparsity", "0.5"}).find("more accuracy than --quality does"),
            std::string::npos);
  EXPECT_EQ(warnings({"--bits", "5"}).find("--quality"), std::string::npos);
}

TEST(Quality, LosslessTellsWhatBalancedWouldTake) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", layers());
  const std::string line = "lossless; --quality balanced would take about ";
  const auto out = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"compress", "-f", input, "-o", dir.path("o.dcf")});
    return dcf(options).out;
  };
  EXPECT_NE(out({}).find(line), std::string::npos);
  for (const char* const without : {"-q", "--json", "--lossless"}) {
    EXPECT_EQ(out({without}).find(line), std::string::npos) << without;
  }
  EXPECT_EQ(out({"--quality", "small"}).find(line), std::string::npos);
}

TEST(Quality, WhatContradictsItIsRefused) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", layers());
  for (const std::vector<std::string>& other :
       std::vector<std::vector<std::string>>{{"--sparsity", "0.5"},
                                             {"--bits", "4"},
                                             {"--init", "linear"},
                                             {"--seed", "1"},
                                             {"--positions", "gap"},
                                             {"--profile", "paper"}}) {
    std::vector<std::string> all = {"compress", input, "-o", dir.path("o.dcf"), "--quality", "30"};
    all.insert(all.end(), other.begin(), other.end());
    expect_failure(dcf(all), 2, "--quality excludes");
  }
  expect_failure(dcf({"compress", input, "-o", dir.path("o.dcf"), "--quality", "30", "--lossless"}),
                 2, "--lossless excludes --quality");
  for (const char* const bad : {"", "good", "5", "61", "nan", "inf", "-30", "30dB", "3e1x"}) {
    expect_failure(dcf({"compress", input, "-o", dir.path("o.dcf"), "--quality", bad}), 2,
                   "auto, near-lossless, balanced, small, tiny, or 6 to 60 (dB)");
  }
  EXPECT_FALSE(std::filesystem::exists(dir.path("o.dcf")));
}

TEST(Quality, BytesDoNotDependOnThreads) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", gaussian_model(700, 900, 5));
  const std::string one = compress(dir, input, {"--quality", "small", "-T1"});
  EXPECT_EQ(compress(dir, input, {"--quality", "small", "-T3"}), one);
}

TEST(Quality, MaxSizeFindsTheBestThatFits) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", layers());
  const std::string out = dir.path("o.dcf");
  for (const size_t most : {150'000, 100'000, 60'000}) {
    expect_success(
        dcf({"compress", input, "-q", "-f", "-o", out, "--max-size", std::to_string(most)}));
    const size_t bytes = read_text(out).size();
    EXPECT_LE(bytes, most);
    EXPECT_GT(bytes, most - most / 25);  // a quarter of a dB is less
    expect_success(dcf({"compare", input, out, "--bounds", "-q"}));
  }
  const Result told = dcf({"compress", input, "-f", "-o", out, "--max-size", "100000"});
  EXPECT_EQ(told.exit_code, 0);
  EXPECT_NE(told.err.find(" dB: " + exact_bytes(read_text(out).size()) + "\n"), std::string::npos)
      << told.err;
  const std::string lossless = compress(dir, input, {});
  EXPECT_EQ(compress(dir, input, {"--max-size", "1M"}), lossless);
  EXPECT_NE(told.err.find("dcf: lossless: " + exact_bytes(lossless.size()) + "\n"),
            std::string::npos);
  std::filesystem::remove(out);
  expect_failure(dcf({"compress", input, "-q", "-o", out, "--max-size", "20000"}), 1,
                 "not written: the smallest that was tried, 6 dB, takes ");
  EXPECT_FALSE(std::filesystem::exists(out));
  for (const char* const other : {"--lossless", "--bits=4", "--quality=small"}) {
    expect_failure(dcf({"compress", input, "-o", out, "--max-size", "1M", other}), 2,
                   "--max-size excludes");
  }
}

// The score is that of a file's size: at least so many decimal digits of it are left.
TEST(Quality, AutoFindsTheLowestThatTheCommandAccepts) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", layers());
  const std::string out = dir.path("o.dcf");
  const std::string steps = dir.path("steps");
  // The score falls by 1 with each file that is tried after the third.
  const std::string command =
      "echo x >> " + steps + "; : {}; n=$(wc -l < " + steps + "); echo $((n > 3 ? -1 : 0))";
  const Result run =
      dcf({"compress", input, "-o", out, "--quality", "auto", "--eval", command, "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  // Before, at 60 and at 33 dB; the rest is refused, which leaves 33.
  EXPECT_EQ(read_text(out).size() > compress(dir, input, {"--quality", "33"}).size(), true);
  EXPECT_NE(run.err.find("dcf: 60 dB: "), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("dcf: 33 dB: "), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("32 dB: "), std::string::npos) << run.err;
  EXPECT_EQ(run.json()["scores"]["before"], 0);
  EXPECT_EQ(dcf({"info", "--json", out}).json()["metadata"]["dcf.eval.after"], "0");
  expect_success(dcf({"compare", input, out, "--bounds", "-q"}));
}

TEST(Quality, AutoRefusesWhatNothingPasses) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", layers());
  const std::string out = dir.path("o.dcf");
  const std::string worse = "case {} in *original*) echo 1;; *) echo 0;; esac";
  expect_failure(dcf({"compress", input, "-q", "-o", out, "--quality", "auto", "--eval", worse}), 1,
                 "not written: even at 60 dB the score drops from 1 to 0");
  EXPECT_FALSE(std::filesystem::exists(out));
  expect_failure(dcf({"compress", input, "-o", out, "--quality", "auto"}), 2, "needs --eval");
  expect_failure(dcf({"plan", input, "-o", out, "--quality", "auto"}), 2, "a plan tries nothing");
}

// In parts too, with a tensor that is cut where it is lossless.
TEST(Quality, PartsGiveTheFileOfTheWhole) {
  const TempDir dir;
  Model model = gaussian_model(1100, 1000, 6);
  const Model more = layers();
  model.tensors.insert(model.tensors.end(), more.tensors.begin(), more.tensors.end());
  model.data.insert(model.data.end(), more.data.begin(), more.data.end());
  const std::string input = save(dir, "in.safetensors", model);
  const std::string whole = compress(dir, input, {"--quality", "balanced"});
  const std::string plan = dir.path("plan.json");
  expect_success(
      dcf({"plan", input, "-q", "-o", plan, "--quality", "balanced", "--item-bytes", "1M"}));
  const auto json = nlohmann::ordered_json::parse(read_text(plan));
  for (const auto& tensor : json["tensors"]) EXPECT_FALSE(tensor.contains("range_bytes"));
  const std::string settled = dir.path("settled.json");
  std::filesystem::create_directory(dir.path("stats"));
  for (size_t i = 0; i < json["stats"].size(); ++i) {
    const std::string n = std::to_string(i);
    expect_success(
        dcf({"stats", "--plan", plan, "--item", n, "-q", "-o", dir.path("stats/" + n + ".json")}));
  }
  expect_success(
      dcf({"stats", "--plan", plan, "--settle", dir.path("stats"), "-q", "-o", settled}));
  std::filesystem::create_directory(dir.path("parts"));
  const auto items = nlohmann::ordered_json::parse(read_text(settled))["items"];
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string n = std::to_string(i);
    expect_success(dcf(
        {"compress", "--plan", settled, "--item", n, "-q", "-o", dir.path("parts/" + n + ".dcf")}));
  }
  const std::string merged = dir.path("merged.dcf");
  expect_success(dcf({"merge", "--plan", settled, dir.path("parts"), "-q", "-o", merged}));
  EXPECT_EQ(read_text(merged), whole);
}

// At 6 dB nearly all weights would be 0, which takes more than at 8.
TEST(Quality, MaxSizeLooksAboveALowestThatIsLarger) {
  const TempDir dir;
  Model model = gaussian_model(1024, 1024, 7);
  auto* const weights = reinterpret_cast<float*>(model.data[0].data());
  for (size_t row = 0; row < 1024; ++row) {
    for (size_t col = row + 1; col < 1024; ++col) weights[row * 1024 + col] = -100;
  }
  const std::string input = save(dir, "in.safetensors", model);
  const std::string out = dir.path("o.dcf");
  const size_t lowest = compress(dir, input, {"--quality", "6"}).size();
  const size_t higher = compress(dir, input, {"--quality", "8"}).size();
  ASSERT_LT(higher, lowest);
  const Result run =
      dcf({"compress", input, "-f", "-o", out, "--max-size", std::to_string(higher)});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_LE(read_text(out).size(), higher);
  EXPECT_NE(run.err.find("dcf: 6 dB: "), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("dcf: 8 dB: "), std::string::npos) << run.err;
  expect_failure(dcf({"compress", input, "-f", "-q", "-o", out, "--max-size", "50K"}), 1,
                 "the smallest that was tried, 8 dB, takes ");
  // A command that accepts all gets the smallest of those that it saw, not the last.
  const Result automatic = dcf(
      {"compress", input, "-f", "-q", "-o", out, "--quality", "auto", "--eval", ": {}; echo 1"});
  expect_success(automatic);
  EXPECT_LT(read_text(out).size(), lowest);
  expect_success(dcf({"compare", input, out, "--bounds", "-q"}));
}

TEST(Quality, MaxSizeIsInTheUnitsOfTheReport) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", layers());
  const auto expect_limit = [&](const std::string& size, const std::string& printed) {
    expect_failure(dcf({"compress", input, "-q", "-o", dir.path("o.dcf"), "--max-size", size}), 1,
                   "more than " + printed + "\n");
  };
  expect_limit("20K", "20.0 kB");
  expect_limit("20kB", "20.0 kB");
  expect_limit("0.02M", "20.0 kB");
  expect_limit("20KiB", "20.5 kB");
  expect_limit("20Ki", "20.5 kB");
  expect_limit("19.5Ki", "20.0 kB");
  const size_t lowest = compress(dir, input, {"--quality", "6"}).size();
  const std::string most = std::to_string(lowest - 1);
  expect_failure(dcf({"compress", input, "-q", "-o", dir.path("o.dcf"), "--max-size", most}), 1,
                 std::to_string(lowest) + " bytes, more than " + most);
  const Result as_json =
      dcf({"compress", input, "--json", "-o", dir.path("o.dcf"), "--max-size", "1K"});
  EXPECT_EQ(as_json.json()["error"]["name"], "TooLarge");
}

TEST(Quality, PruningNamesWhatItEmptied) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", layers());
  const Result run =
      dcf({"compress", input, "-o", dir.path("o.dcf"), "--sparsity", "0.9998", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.err.find("dcf: warning: 1 tensor lost all weights: small\n"), std::string::npos)
      << run.err;
  EXPECT_EQ(run.json()["warnings"], (std::vector<std::string>{"1 tensor lost all weights: small"}));
  // A pipe gets the same file, and the user the same warning.
  const std::string piped = dir.write("piped.dcf", "");
  const Result pipe =
      dcf({"compress", input, "-o", "-", "--sparsity", "0.9998"}, {.stdout_path = piped});
  EXPECT_EQ(pipe.exit_code, 0);
  EXPECT_EQ(pipe.err, run.err);
  EXPECT_TRUE(read_text(piped) == read_text(dir.path("o.dcf")));
  expect_success(
      dcf({"compress", input, "-q", "-o", "-", "--sparsity", "0.9998"}, {.stdout_path = piped}));
  EXPECT_EQ(dcf({"compress", input, "-f", "-o", dir.path("o.dcf"), "--sparsity", "0.5"})
                .err.find("lost all"),
            std::string::npos);
}

}  // namespace
}  // namespace dcf::tools::test
