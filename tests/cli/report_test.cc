// SPDX-License-Identifier: Apache-2.0
// What `dcf compress` says of its work: ratios, what was lost, what was left alone and why.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

class Report : public ::testing::Test {
 protected:
  void add(const std::string& name, dcf_dtype dtype, std::vector<uint64_t> dims) {
    const TensorMeta tensor = meta(name, dtype, std::move(dims));
    model_.data.push_back(noise(tensor.bytes(), model_.tensors.size() + 1));
    model_.tensors.push_back(tensor);
  }
  // Gaussian weights with these values in front.
  void add_weights(const std::string& name, const std::vector<float>& front = {}) {
    Model one = gaussian_model(40, 50, model_.tensors.size() + 1);
    if (!front.empty()) {
      std::memcpy(one.data[0].data(), front.data(), front.size() * sizeof(float));
    }
    one.tensors[0].name = name;
    model_.tensors.push_back(one.tensors[0]);
    model_.data.push_back(one.data[0]);
  }
  Result compress_to(const std::string& out, std::vector<std::string> arguments) {
    const std::string in = dir_.path("in.safetensors");
    write_model(in, model_, SinkFormat::kSafetensors, /*overwrite=*/true);
    arguments.insert(arguments.begin(), {"compress", "-f", in, "-o", out});
    Result result = dcf(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result;
  }
  Result run(const std::vector<std::string>& arguments) { return compress_to(out_, arguments); }
  std::string recipe(const std::string& text) const { return dir_.write("recipe.json", text); }

  TempDir dir_;
  Model model_;
  std::string out_ = dir_.path("out.dcf");
};

std::string reason(const nlohmann::ordered_json& json, const std::string& name) {
  for (const auto& tensor : json["left_out"]) {
    if (tensor["name"] == name) return tensor["reason"];
  }
  return "";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(Report, RatiosAreLabelledAndCountWhatIsKept) {
  add_weights("w");
  const auto json = run({"--bits", "4", "--json"}).json();
  EXPECT_EQ(json["tensors_ratio"]["input_bytes"], 8000);
  const auto& stored = json["tensors"][0]["bytes"]["total"];
  EXPECT_EQ(json["tensors_ratio"]["output_bytes"], stored);
  EXPECT_EQ(json["tensors_ratio"]["ratio"], 8000 / stored.get<double>());
  EXPECT_EQ(json["files_ratio"]["output_bytes"], json["output_bytes"]);
  EXPECT_EQ(json["files_ratio"]["input_bytes"].get<uint64_t>() +
                json["files_ratio"]["not_kept_bytes"].get<uint64_t>(),
            json["input_bytes"]);
  const std::string text = run({"--bits", "4"}).out;
  EXPECT_TRUE(has(text, "tensors 8.0 kB \u2192 ")) << text;
  EXPECT_TRUE(has(text, "files 8.")) << text;

  // An array in Fortran order is not kept as a file: its header is in no ratio.
  const std::string in =
      dir_.write("in.npy", npy("{'descr': '<f4', 'fortran_order': True, 'shape': (100, 100), }" +
                                   std::string(5000, ' ') + "\n",
                               std::string(40'000, '\1')));
  const auto npy = dcf({"compress", in, "-o", dir_.path("npy.dcf"), "--json"}).json();
  EXPECT_EQ(npy["files_ratio"]["input_bytes"], 40'000);
  EXPECT_GE(npy["files_ratio"]["not_kept_bytes"], 5000);
}

TEST_F(Report, TheWorstAndTheMedianLossHaveNames) {
  add_weights("a");
  add_weights("b", {3, -2.5F});  // far from the others
  add_weights("c", {1});
  const auto json = run({"--bits", "3", "--json"}).json();
  const auto& loss = json["loss"];
  ASSERT_EQ(loss["tensors"].size(), 3u);
  EXPECT_EQ(loss["worst"], loss["tensors"][0]);
  EXPECT_EQ(loss["median"], loss["tensors"][1]);
  const auto compared = dcf({"compare", dir_.path("in.safetensors"), out_, "--json"}).json();
  for (const auto& tensor : compared["tensors"]) {
    const auto it = std::find_if(loss["tensors"].begin(), loss["tensors"].end(),
                                 [&](const auto& t) { return t["name"] == tensor["name"]; });
    ASSERT_NE(it, loss["tensors"].end());
    EXPECT_EQ((*it)["sqnr_db"], tensor["sqnr_db"]);
  }
  EXPECT_LE(loss["worst"]["sqnr_db"], loss["median"]["sqnr_db"]);
  const std::string worst = loss["worst"]["name"];
  const std::string text = run({"--bits", "3"}).out;
  EXPECT_TRUE(has(text, "SQNR of 3 pruned or clustered tensors: worst ")) << text;
  EXPECT_TRUE(has(text, " dB (" + worst + "), median ")) << text;
  EXPECT_TRUE(run({"--json"}).json()["loss"].is_null());
  EXPECT_FALSE(has(run({}).out, "SQNR"));
}

TEST_F(Report, EachTensorLeftOutHasItsReason) {
  add_weights("weight");
  add_weights("nan", {kNan, 1, kNan});
  add_weights("inf", {kInf});
  add_weights("kept.as.it.is");
  for (int i = 0; i < 300; ++i) add("bias" + std::to_string(i), DCF_DTYPE_F32, {600});
  add("tiny", DCF_DTYPE_F32, {8, 8});
  add("ids", DCF_DTYPE_I32, {30, 30});
  add("q.weight", DCF_DTYPE_I8, {64, 64});
  add("q.weight_scale", DCF_DTYPE_F32, {64, 8});
  model_.data.back() = gaussian_model(64, 8).data[0];
  add_weights("few");
  for (size_t i = 0; i < 2000; ++i) {
    const float value = i % 2 == 0 ? 1 : -2;
    std::memcpy(&model_.data.back()[i * sizeof value], &value, sizeof value);
  }
  const std::string rules = recipe(R"({"ignore": ["^kept"]})");
  const auto json = run({"--bits", "4", "--recipe", rules, "--json"}).json();
  EXPECT_EQ(reason(json, "nan"), "holds NaN (2 values)");
  EXPECT_EQ(reason(json, "inf"), "holds Inf (1 value)");
  EXPECT_EQ(reason(json, "kept.as.it.is"), "ignored by the recipe");
  EXPECT_EQ(reason(json, "bias7"), "rank below 2");
  EXPECT_EQ(reason(json, "tiny"), "fewer than 512 elements");
  EXPECT_EQ(reason(json, "ids"), "integer or opaque");
  EXPECT_EQ(reason(json, "q.weight"), "integer or opaque");
  EXPECT_EQ(reason(json, "q.weight_scale"), "scales of a quantised tensor");
  EXPECT_EQ(reason(json, "few"), "has no more values than asked for");
  EXPECT_EQ(reason(json, "weight"), "");
  EXPECT_EQ(json["left_out"].size(), model_.tensors.size() - 1);

  const Result result = run({"--bits", "4", "--recipe", rules});
  const std::string& text = result.out;
  EXPECT_TRUE(has(text, "\n  nan: holds NaN (2 values)\n")) << text;
  EXPECT_TRUE(has(text, "\n  inf: holds Inf (1 value)\n")) << text;
  EXPECT_TRUE(has(text, "\n  300 tensors, rank below 2: bias0, ")) << text;
  EXPECT_TRUE(has(text, "\n  1 tensor, ignored by the recipe: kept.as.it.is\n")) << text;
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 20) << text;
  const std::string verbose = run({"--bits", "4", "-v", "--recipe", rules}).out;
  EXPECT_TRUE(has(verbose, "bias299  ")) << verbose;
  EXPECT_TRUE(has(verbose, "scales of a quantised tensor")) << verbose;
}

TEST_F(Report, PatternsThatMatchNothingAreReported) {
  add_weights("fc1.weight");
  add_weights("fc2.weight");
  const std::string rules =
      recipe(R"({"rules": [{"match": "fc1", "bits": 3}, {"match": "^fc99\\.weight$", "bits": 3},)"
             R"({"match": "fc1.w", "bits": 4}], "ignore": ["embed\nding"]})");
  const Result result = run({"--recipe", rules});
  EXPECT_TRUE(
      has(result.err, "warning: rule 2 of the recipe, '^fc99\\\\.weight$', matches no tensor\n"))
      << result.err;
  EXPECT_TRUE(has(result.err, "rule 3 of the recipe, 'fc1.w', matches only tensors")) << result.err;
  EXPECT_TRUE(has(result.err, "'ignore' of the recipe, 'embed\\x0ading', matches no tensor\n"))
      << result.err;
  EXPECT_EQ(run({"--recipe", rules, "-q"}).err, "");
  const auto json = run({"--recipe", rules, "--json"}).json();
  ASSERT_EQ(json["warnings"].size(), 3u);
  EXPECT_TRUE(has(json["warnings"][0], "fc99"));
  EXPECT_EQ(reason(json, "fc2.weight"), "no option or rule asks for it");
}

// The file with the scores is a copy, which keeps what else the file holds.
TEST_F(Report, AScoredFileRestoresTheSameBytes) {
  add_weights("w");
  const std::string score = dir_.write("score.sh", "echo 1e-7\n");
  run({"--eval", "sh " + score + " {}"});
  EXPECT_EQ(dcf({"info", "--json", out_}).json()["metadata"]["dcf.eval.after"], "1e-07");
  const std::string back = dir_.path("back.safetensors");
  expect_success(dcf({"decompress", out_, "-o", back}));
  EXPECT_TRUE(read_text(back) == read_text(dir_.path("in.safetensors")));
}

// Scales go only to rules that mean nothing else.
TEST_F(Report, ScalesAreLeftAloneUnlessARuleNamesThem) {
  add("fc.qweight", DCF_DTYPE_I32, {64, 64});
  add_weights("fc.scales");
  add_weights("norm.scale");
  add("norm.num_batches_tracked", DCF_DTYPE_I64, {64, 64});
  add_weights("other.weight");
  const auto lossy = [&](const std::string& rules) {
    const auto json = run({"--recipe", recipe(rules), "--json"}).json();
    std::string names;
    for (const auto& tensor : json["tensors"]) {
      if (tensor["fidelity"] == "lossy") names += tensor["name"].get<std::string>() + " ";
    }
    return names;
  };
  EXPECT_EQ(lossy(R"({"rules": [{"match": "", "bits": 4}]})"), "norm.scale other.weight ");
  EXPECT_EQ(lossy(R"({"rules": [{"match": "fc|other", "bits": 4}]})"), "other.weight ");
  EXPECT_EQ(lossy(R"({"rules": [{"match": "^fc\\.scales$", "bits": 4}]})"), "fc.scales ");
}

TEST_F(Report, ScalesAreToldByTheirNames) {
  struct Pair {
    const char* codes;
    dcf_dtype dtype;
    const char* other;
    bool is_scale;
  };
  const Pair pairs[] = {
      {"weight", DCF_DTYPE_F8E4M3, "weight_scale", true},
      {"weight", DCF_DTYPE_F8E5M2, "weight_scale_inv", true},
      {"weight_packed", DCF_DTYPE_I32, "weight_scale", true},
      {"weight_packed", DCF_DTYPE_I32, "weight_zero_point", true},
      {"qweight", DCF_DTYPE_I32, "scales", true},
      {"weight", DCF_DTYPE_U32, "scales", true},
      {"weight", DCF_DTYPE_U8, "weight.absmax", true},
      {"weight", DCF_DTYPE_I8, "SCB", true},
      {"MatMul_weight_quantized", DCF_DTYPE_I8, "MatMul_weight_scale", true},
      {"weight._data", DCF_DTYPE_I8, "weight._scale", true},
      {"up_proj_blocks", DCF_DTYPE_U8, "up_proj_scales", true},
      {"weight", DCF_DTYPE_F32, "weight_scale", false},  // no codes
      {"mask", DCF_DTYPE_U8, "scale", false},
      {"running_mean", DCF_DTYPE_I64, "scale", false},
      {"weight", DCF_DTYPE_BOOL, "scale", false},
      {"weight", DCF_DTYPE_I8, "biases", false},  // without scales: what a layer adds
      {"weight", DCF_DTYPE_I8, "upscale", false},
      {"weight", DCF_DTYPE_I8, "scale.weight", false},
      {"sub.weight", DCF_DTYPE_I8, "scale", false},  // of another layer
      {"bias_scale", DCF_DTYPE_I8, "weight", false},
  };
  std::vector<std::string> names;
  for (const Pair& pair : pairs) {
    const std::string layer = "layer" + std::to_string(names.size()) + ".";
    if (pair.dtype == DCF_DTYPE_F32) {
      add_weights(layer + pair.codes);
    } else {
      add(layer + pair.codes, pair.dtype, {64, 64});
    }
    add_weights(layer + pair.other);
    names.push_back(layer + pair.other);
  }
  add("few.weight", DCF_DTYPE_I8, {4, 4});  // fewer codes than scales
  add_weights("few.weight_scale");
  add("mlx.weight", DCF_DTYPE_U32, {64, 64});
  add_weights("mlx.scales");
  add_weights("mlx.biases");
  const auto json = run({"--bits", "4", "--json"}).json();
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(reason(json, names[i]) == "scales of a quantised tensor", pairs[i].is_scale)
        << pairs[i].codes << " " << names[i] << " " << reason(json, names[i]);
  }
  EXPECT_EQ(reason(json, "few.weight_scale"), "");
  EXPECT_EQ(reason(json, "mlx.scales"), "scales of a quantised tensor");
  EXPECT_EQ(reason(json, "mlx.biases"), "scales of a quantised tensor");
}

TEST_F(Report, NanOfEveryTypeIsCounted) {
  for (const dcf_dtype dtype :
       {DCF_DTYPE_F64, DCF_DTYPE_F32, DCF_DTYPE_F16, DCF_DTYPE_BF16, DCF_DTYPE_F8E4M3,
        DCF_DTYPE_F8E5M2, DCF_DTYPE_F8E4M3FNUZ, DCF_DTYPE_F8E5M2FNUZ}) {
    add(dcf_dtype_name(dtype), dtype, {256, 256});
  }
  const auto count = [&](size_t tensor, uint8_t mask, auto is_nan) {
    const Bytes& data = model_.data[tensor];
    return std::count_if(data.begin(), data.end(), [&](uint8_t b) { return is_nan(b & mask); });
  };
  const auto json = run({"--bits", "4", "--json"}).json();
  const auto text = [](auto n) { return "holds NaN (" + std::to_string(n) + " values)"; };
  EXPECT_EQ(reason(json, "f8e4m3"), text(count(4, 0x7F, [](int b) { return b == 0x7F; })));
  EXPECT_EQ(reason(json, "f8e5m2"), text(count(5, 0x7F, [](int b) { return b > 0x7C; })));
  EXPECT_EQ(reason(json, "f8e4m3fnuz"), text(count(6, 0xFF, [](int b) { return b == 0x80; })));
  EXPECT_EQ(reason(json, "f8e5m2fnuz"), text(count(7, 0xFF, [](int b) { return b == 0x80; })));
  for (const char* const name : {"f64", "f32", "f16", "bf16"}) {
    EXPECT_TRUE(has(reason(json, name), "holds NaN")) << name;
  }
}

TEST_F(Report, ScoresAreKeptAsMetadata) {
  add_weights("w");
  model_.metadata = {{"author", "x"}, {"dcf.eval.after", "17"}};
  const std::string score = dir_.write("score.sh", "grep -c . \"$1\" >/dev/null; echo 0.1\n");
  run({"--bits", "4", "--eval", "sh " + score + " {}"});
  auto metadata = dcf({"info", "--json", out_}).json()["metadata"];
  EXPECT_EQ(metadata["dcf.eval.before"], "0.1");
  EXPECT_EQ(metadata["dcf.eval.after"], "0.1");
  EXPECT_EQ(metadata["author"], "x");
  expect_success(dcf({"verify", out_}));
  // Another loss: the score is not that of the new file.
  const std::string again = dir_.path("again.dcf");
  dcf({"compress", out_, "-o", again, "--bits", "2", "-q"});
  metadata = dcf({"info", "--json", again}).json()["metadata"];
  EXPECT_FALSE(metadata.contains("dcf.eval.after"));
  EXPECT_EQ(metadata["author"], "x");
}

TEST_F(Report, WhatWasLostBeforeIsNotForgotten) {
  add_weights("w");
  add_weights("exact");
  run({"--recipe", recipe(R"({"rules": [{"match": "^w$", "bits": 5}]})")});
  const auto tensors = [](const std::string& path) {
    return dcf({"info", "--json", path}).json()["tensors"];
  };
  const auto first = tensors(out_);
  EXPECT_EQ(first[0]["fidelity"], "bit-exact");
  EXPECT_EQ(first[1]["fidelity"], "lossy");
  const std::string again = dir_.path("again.dcf");
  expect_success(dcf({"compress", out_, "-o", again}));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(tensors(again)[i]["fidelity"], first[i]["fidelity"]);
    EXPECT_EQ(tensors(again)[i]["error_bound"], first[i]["error_bound"]);
  }
  EXPECT_EQ(dcf({"compress", again, "-f", "-o", dir_.path("third.dcf"), "--bits", "2"}).exit_code,
            0);
  const auto third = tensors(dir_.path("third.dcf"));
  EXPECT_GT(third[1]["error_bound"], first[1]["error_bound"]);
  const std::string in = dir_.path("in.safetensors");
  expect_success(dcf({"compare", in, again, "--bounds", "-q"}));
  expect_success(dcf({"compare", in, dir_.path("third.dcf"), "--bounds", "-q"}));
}

// One weight of 40 sigma: the linear start leaves most of its clusters empty.
TEST_F(Report, BitsGiveAsManyValuesAsTheySay) {
  add_weights("w", {40});
  const auto values = [&](std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    return run(arguments).json()["tensors"][0]["codebook_size"].get<int>();
  };
  for (const char* const init : {"linear", "density", "forgy", "optimal"}) {
    EXPECT_EQ(values({"--bits", "4", "--init", init}), 16) << init;
    EXPECT_EQ(values({"--bits", "8", "--init", init}), 256) << init;
    EXPECT_EQ(values({"--bits", "4", "--sparsity", "0.5", "--init", init}), 16) << init;
  }
  EXPECT_EQ(values({"--bits", "1"}), 2);
  // The paper's k-means has no such step.
  EXPECT_LT(values({"--bits", "4", "--profile", "paper"}), 16);
}

TEST_F(Report, HelpTellsOfRecipes) {
  const Result help = dcf({"help", "recipes"});
  expect_success(help);
  for (const char* const word : {"match", "sparsity", "bits", "init", "seed", "positions",
                                 "gap_bits", "zeros", "profile", "ignore", "RE2"}) {
    EXPECT_TRUE(has(help.out, word)) << word;
  }
  EXPECT_TRUE(has(dcf({"help"}).out, "dcf help recipes"));
  EXPECT_TRUE(has(dcf({"help", "compress"}).out, "dcf help recipes"));
  // The example in it is a recipe.
  const size_t begin = help.out.find("\n  {\n");
  const size_t end = help.out.find("\n  }\n", begin);
  ASSERT_NE(end, std::string::npos);
  add_weights("fc1.weight");
  add_weights("conv1.weight");
  const auto json =
      run({"--json", "--recipe", recipe(help.out.substr(begin, end + 4 - begin))}).json();
  EXPECT_EQ(reason(json, "conv1.weight"), "ignored by the recipe");
  EXPECT_EQ(json["loss"]["worst"]["name"], "fc1.weight");
}

}  // namespace
}  // namespace dcf::tools::test
