// SPDX-License-Identifier: Apache-2.0
// `--calibration` as a user has it: what is used, what is told, what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

constexpr size_t kCols = 48;

std::vector<uint8_t> bytes_of_floats(const std::vector<float>& values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

void add_floats(Model* model, const std::string& name, std::vector<uint64_t> dims,
                const std::vector<float>& values) {
  model->tensors.push_back({name, DCF_DTYPE_F32, 32, "", std::move(dims)});
  model->data.push_back(bytes_of_floats(values));
}

// Two layers that read 48 inputs, and one that nothing is known of.
Model layers() {
  Model model = gaussian_model(64, kCols, 1);
  model.tensors[0].name = "a";
  for (const auto& [name, seed] : {std::pair<std::string, uint64_t>{"b", 2}, {"c", 3}}) {
    add_layer(&model, name, gaussian_model(64, kCols, seed));
  }
  return model;
}

// Of 100 inputs that are far from independent.
struct Moments {
  std::vector<float> matrix, mean, mean_square;
};
Moments moments() {
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  std::vector<double> mix(6 * kCols);
  for (double& m : mix) m = normal(random);
  std::vector<double> sum(kCols * kCols), sums(kCols);
  for (int sample = 0; sample < 100; ++sample) {
    std::vector<double> x(kCols, 0.4);
    for (size_t k = 0; k < 6; ++k) {
      const double cause = normal(random);
      for (size_t c = 0; c < kCols; ++c) x[c] += cause * mix[k * kCols + c];
    }
    for (size_t i = 0; i < kCols; ++i) {
      sums[i] += x[i] / 100;
      for (size_t j = 0; j < kCols; ++j) sum[i * kCols + j] += x[i] * x[j] / 100;
    }
  }
  Moments result;
  result.matrix.assign(sum.begin(), sum.end());
  result.mean.assign(sums.begin(), sums.end());
  for (size_t c = 0; c < kCols; ++c) {
    result.mean_square.push_back(static_cast<float>(sum[c * kCols + c]));
  }
  return result;
}

Model statistics() {
  const Moments m = moments();
  Model model;
  model.metadata["dcf.calibration"] = "1";
  add_floats(&model, "a.moments", {kCols, kCols}, m.matrix);
  add_floats(&model, "b.mean", {kCols}, m.mean);
  add_floats(&model, "b.mean_square", {kCols}, m.mean_square);
  return model;
}

std::vector<float> floats_of(const std::vector<uint8_t>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// In place of what was there.
std::string save_statistics(const TempDir& dir, const Model& stats) {
  std::filesystem::remove(dir.path("stats.safetensors"));
  return save(dir, "stats.safetensors", stats);
}

class CalibrationCli : public ::testing::Test {
 protected:
  Result run(const Model& stats, std::vector<std::string> more = {"--quality", "30"}) {
    const std::string file = save_statistics(dir_, stats);
    std::vector<std::string> arguments = {"compress", input_,          "-f", "-o",
                                          out_,       "--calibration", file};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return dcf(arguments);
  }
  // One sentence on stderr that names the statistics, and no file.
  void expect_refused(const Model& stats, int code, const std::string& what) {
    std::filesystem::remove(out_);
    const Result result = run(stats);
    EXPECT_EQ(result.exit_code, code) << what;
    EXPECT_NE(result.err.find("stats.safetensors"), std::string::npos) << result.err;
    EXPECT_NE(result.err.find(what), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(std::filesystem::exists(out_)) << what;
  }
  // E|W x - W' x|^2 of tensor `name`, as it comes back.
  double output_error(size_t tensor, const std::string& name, const std::vector<float>& matrix) {
    const std::string restored = dir_.path("restored.safetensors");
    expect_success(dcf({"decompress", out_, "-q", "-f", "-o", restored}));
    const auto source = open_model(restored);
    std::vector<float> errors = floats_of(model_.data[tensor]);
    for (size_t i = 0; i < source->tensors().size(); ++i) {
      if (source->tensors()[i].name != name) continue;
      const std::vector<float> after = floats_of(source->read(i));
      for (size_t k = 0; k < errors.size(); ++k) errors[k] -= after[k];
    }
    double sum = 0;
    for (size_t r = 0; r < errors.size() / kCols; ++r) {
      for (size_t i = 0; i < kCols; ++i) {
        for (size_t j = 0; j < kCols; ++j) {
          sum += double{errors[r * kCols + i]} * matrix[i * kCols + j] * errors[r * kCols + j];
        }
      }
    }
    return sum;
  }

  const TempDir dir_;
  const Model model_ = layers();
  const std::string input_ = save(dir_, "in.safetensors", model_);
  const std::string out_ = dir_.path("out.dcf");
};

TEST_F(CalibrationCli, OutputErrorFallsAndTheReportTells) {
  expect_success(dcf({"compress", input_, "-q", "-f", "-o", out_, "--quality", "30"}));
  const Moments m = moments();
  const double a = output_error(0, "a", m.matrix);
  const double b = output_error(1, "b", m.matrix);
  const double c = output_error(2, "c", m.matrix);
  const Result run_json = run(statistics(), {"--quality", "30", "--json"});
  ASSERT_EQ(run_json.exit_code, 0) << run_json.err;
  EXPECT_LT(output_error(0, "a", m.matrix), a / 3);
  EXPECT_LE(output_error(1, "b", m.matrix), b);  // whose vectors say little
  EXPECT_EQ(output_error(2, "c", m.matrix), c);
  const auto report = nlohmann::ordered_json::parse(run_json.out)["calibration"];
  EXPECT_EQ(report["full_moments"], 1);
  EXPECT_EQ(report["vectors"], 1);
  EXPECT_TRUE(report["reduced_to_vectors"].empty());
  EXPECT_EQ(report["without_moments"], nlohmann::ordered_json::array({"c"}));
  EXPECT_EQ(report["allotted_by"], "size");
  const Result text = run(statistics());
  EXPECT_NE(text.out.find("calibrated: 1 tensor by full moments, 1 by mean and mean square"),
            std::string::npos)
      << text.out;
  expect_success(dcf({"compare", input_, out_, "--bounds"}));
}

TEST_F(CalibrationCli, BytesDoNotDependOnThreads) {
  ASSERT_EQ(run(statistics(), {"--quality", "30", "-T", "1"}).exit_code, 0);
  const std::string one = read_text(out_);
  ASSERT_EQ(run(statistics(), {"--quality", "30", "-T", "4"}).exit_code, 0);
  EXPECT_EQ(read_text(out_), one);
}

TEST_F(CalibrationCli, WorksWithASizeAndWithACommand) {
  const Result sized = run(statistics(), {"--max-size", "8K", "--json"});
  ASSERT_EQ(sized.exit_code, 0) << sized.err;
  EXPECT_LE(std::filesystem::file_size(out_), 8192u);
  EXPECT_EQ(nlohmann::ordered_json::parse(sized.out)["calibration"]["full_moments"], 1);
  const Result lossless = run(statistics(), {"--max-size", "1M", "--json"});
  EXPECT_TRUE(nlohmann::ordered_json::parse(lossless.out)["calibration"].is_null());
  const Result judged =
      run(statistics(), {"--quality", "auto", "--eval", "true {}; echo 1", "--max-drop", "0"});
  EXPECT_EQ(judged.exit_code, 0) << judged.err;
}

TEST_F(CalibrationCli, SensitivitiesShareTheBits) {
  Model stats = statistics();
  add_floats(&stats, "a.sensitivity", {1}, {1e-3F});
  add_floats(&stats, "b.sensitivity", {}, {1e-6F});
  const auto report_of = [&](const Model& s) {
    const Result result = run(s, {"--quality", "30", "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::ordered_json::parse(result.out);
  };
  EXPECT_EQ(report_of(stats)["calibration"]["allotted_by"], "size");  // c has none
  add_floats(&stats, "c.sensitivity", {1}, {1e-3F});
  const auto report = report_of(stats);
  EXPECT_EQ(report["calibration"]["allotted_by"], "sensitivity");
  std::map<std::string, double> sqnr;
  for (const auto& tensor : report["loss"]["tensors"]) {
    sqnr[tensor["name"]] = tensor["sqnr_db"].get<double>();
  }
  EXPECT_GT(sqnr["a"], sqnr["b"] + 10);
}

TEST_F(CalibrationCli, ModelsThatAreStoredTransposedSaySo) {
  Model transposed = layers();
  std::vector<float> weights = floats_of(transposed.data[0]);
  std::vector<float> turned(weights.size());
  for (size_t r = 0; r < 64; ++r) {
    for (size_t c = 0; c < kCols; ++c) turned[c * 64 + r] = weights[r * kCols + c];
  }
  transposed.tensors[0].dims = {kCols, 64};
  transposed.data[0] = bytes_of_floats(turned);
  const std::string input = save(dir_, "turned.safetensors", transposed);
  Model stats = statistics();
  const auto compress = [&] {
    const std::string file = save_statistics(dir_, stats);
    return dcf({"compress", input, "-f", "-o", out_, "--quality", "30", "--calibration", file});
  };
  const Result wrong = compress();
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_NE(wrong.err.find("48x48"), std::string::npos) << wrong.err;
  stats.metadata["dcf.inputs_first"] = "[\"a\"]";
  EXPECT_EQ(compress().exit_code, 0);
  for (const std::string bad : {"{}", "[1]", "[", "\"a\""}) {
    stats.metadata["dcf.inputs_first"] = bad;
    EXPECT_EQ(compress().exit_code, 1) << bad;
  }
}

TEST_F(CalibrationCli, MomentsOfFewInputsCountLess) {
  Model stats = statistics();
  const auto file_with = [&](const std::string& vectors) {
    stats.metadata["dcf.vectors"] = vectors;
    expect_success(run(stats));
    return read_text(out_);
  };
  const std::string many = file_with(R"({"a": 100, "unknown": 1})");
  stats.metadata.erase("dcf.vectors");
  expect_success(run(stats));
  EXPECT_EQ(read_text(out_), many);
  EXPECT_NE(file_with(R"({"a": 10})"), many);
  for (const char* const bad : {"[]", R"({"a": -1})", R"({"a": "1"})", "{"}) {
    stats.metadata["dcf.vectors"] = bad;
    expect_refused(stats, 1, "dcf.vectors");
  }
}

TEST_F(CalibrationCli, WhatIsNoCalibrationIsRefused) {
  Model stats = statistics();
  stats.metadata.clear();
  expect_refused(stats, 1, "dcf.calibration");
  stats.metadata["dcf.calibration"] = "2";
  expect_refused(stats, 2, "version '2'");

  stats = statistics();
  add_floats(&stats, "a.weights", {1}, {1});
  expect_refused(stats, 1, "'a.weights' is no statistic");
  stats = statistics();
  stats.tensors[0].dims = {kCols * kCols};
  expect_refused(stats, 1, "'a.moments' is 2304");
  stats = statistics();
  stats.tensors[2].name = "x.mean_square";
  expect_refused(stats, 1, "without the other");
  stats = statistics();
  add_floats(&stats, "c.sensitivity", {2}, {1, 2});
  expect_refused(stats, 1, "'c.sensitivity' is not one number");
  stats = statistics();
  add_floats(&stats, "c.sensitivity", {1}, {std::nanf("")});
  expect_refused(stats, 1, "'c.sensitivity' is NaN");
  stats = statistics();
  for (auto& tensor : stats.tensors) tensor.name = "no" + tensor.name;
  expect_refused(stats, 1, "no statistic is of a tensor");
  EXPECT_EQ(
      dcf({"compress", input_, "-o", out_, "--quality", "30", "--calibration", input_}).exit_code,
      1);
  EXPECT_EQ(dcf({"compress", input_, "-o", out_, "--calibration", input_}).exit_code, 2);
}

TEST_F(CalibrationCli, NumbersThatAreNoMomentsAreRefused) {
  const auto with = [](size_t index, float value) {
    Model stats = statistics();
    std::memcpy(stats.data[0].data() + index * sizeof value, &value, sizeof value);
    return stats;
  };
  expect_refused(with(3, std::nanf("")), 1, "'a': the moments hold NaN or Inf");
  expect_refused(with(0, -1), 1, "'a': a mean square among the moments is negative");
  expect_refused(with(1, 100), 1, "'a': the matrix of moments is not symmetric");
  Model sensitive = statistics();
  add_floats(&sensitive, "a.sensitivity", {}, {-1});
  expect_refused(sensitive, 1, "'a.sensitivity' is less than 0");
  Model stats = statistics();
  std::vector<float> indefinite(kCols * kCols, -0.9F);
  for (size_t c = 0; c < kCols; ++c) indefinite[c * kCols + c] = 1;
  stats.data[0] = bytes_of_floats(indefinite);
  expect_refused(stats, 1, "'a': the matrix of moments is not positive semidefinite");
}

TEST_F(CalibrationCli, NamesOfNoTensorAreAWarning) {
  Model stats = statistics();
  add_floats(&stats, "other.moments", {2, 2}, {1, 0, 0, 1});
  const Result result = run(stats, {"--quality", "30", "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto warnings = nlohmann::ordered_json::parse(result.out)["warnings"];
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].get<std::string>().find("'other.moments'"), std::string::npos);
}

TEST_F(CalibrationCli, AMatrixBeyondTheMemoryBecomesVectorsAndTheReportSaysSo) {
  // 2000 inputs: 16 MB of floats, and 32 MB for the factor.
  constexpr uint64_t kMany = 2000;
  const std::string input = save(dir_, "wide.safetensors", gaussian_model(4, kMany));
  Model stats;
  stats.metadata["dcf.calibration"] = "1";
  std::vector<float> matrix(kMany * kMany, 1.0F);
  for (size_t c = 0; c < kMany; ++c) matrix[c * kMany + c] = 1.5F;
  const std::string name = open_model(input)->tensors()[0].name;
  add_floats(&stats, name + ".moments", {kMany, kMany}, matrix);
  const std::string file = save(dir_, "wide-stats.safetensors", stats);
  for (const auto& [memory, reduced] :
       {std::pair<std::string, size_t>{"256M", 0}, {"40M", 1}, {"16M", 1}}) {
    const Result result = dcf({"compress", input, "-f", "-o", out_, "--quality", "30",
                               "--calibration", file, "-M", memory, "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto report = nlohmann::ordered_json::parse(result.out)["calibration"];
    EXPECT_EQ(report["reduced_to_vectors"].size(), reduced) << memory;
    EXPECT_EQ(report["full_moments"], 1 - reduced) << memory;
  }
  const Result text = dcf(
      {"compress", input, "-f", "-o", out_, "--quality", "30", "--calibration", file, "-M", "16M"});
  EXPECT_NE(text.out.find("more than -M has room for"), std::string::npos) << text.out;
}

}  // namespace
}  // namespace dcf::tools::test
