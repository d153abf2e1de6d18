// SPDX-License-Identifier: Apache-2.0
// `dcf bench --json` is read by programs: its fields are pinned. Times are whatever they are.
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "cli/stopwatch.h"
#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

using nlohmann::ordered_json;

void expect_seconds(const ordered_json& value) {
  ASSERT_TRUE(value.is_number());
  EXPECT_GT(value.get<double>(), 0);
}

void check_tensor(const ordered_json& tensor) {
  SCOPED_TRACE(tensor["name"]);
  EXPECT_EQ(keys(tensor), (std::set<std::string>{"name", "dtype", "shape", "dense_bytes",
                                                 "encoded_bytes", "nonzeros", "decode", "layer"}));
  if (tensor["dense_bytes"] == 0) {
    EXPECT_TRUE(tensor["decode"].is_null());
    return;
  }
  EXPECT_EQ(keys(tensor["decode"]), (std::set<std::string>{"seconds", "memcpy_seconds"}));
  for (const ordered_json& seconds : tensor["decode"]) expect_seconds(seconds);
}

// As a matrix, if it is one.
void check_layer(const ordered_json& tensor) {
  SCOPED_TRACE(tensor["name"]);
  const ordered_json& layer = tensor["layer"];
  if (tensor["shape"].size() < 2 || tensor["dense_bytes"] == 0) {
    EXPECT_TRUE(layer.is_null());
    return;
  }
  if (layer.is_null()) return;  // a dtype without arithmetic
  EXPECT_EQ(keys(layer), (std::set<std::string>{"load_seconds", "products"}));
  expect_seconds(layer["load_seconds"]);
  ASSERT_EQ(layer["products"].size(), 2u);
  EXPECT_EQ(layer["products"][0]["batch"], 1);
  EXPECT_EQ(layer["products"][1]["batch"], 64);
  for (const ordered_json& product : layer["products"]) {
    EXPECT_EQ(keys(product),
              (std::set<std::string>{"batch", "kernel", "seconds", "dense_seconds"}));
    EXPECT_NE(product["kernel"], "");
    expect_seconds(product["seconds"]);
    expect_seconds(product["dense_seconds"]);
  }
}

TEST(Bench, MeasuresEveryTensor) {
  for (const Model& model : {every_kind_model(), sparse_model(), Model{}}) {
    const TempDir dir;
    const std::string packed = compress(dir, save(dir, "in.safetensors", model), {});
    const Result result = dcf({"bench", "--json", dir.path("out.dcf")});
    expect_success(result);
    const ordered_json json = result.json();
    EXPECT_EQ(keys(json),
              (std::set<std::string>{"file_bytes", "dense_bytes", "threads", "verify", "tensors"}));
    EXPECT_EQ(json["file_bytes"], packed.size());
    EXPECT_EQ(json["threads"], 1);
    expect_seconds(json["verify"]["seconds"]);
    ASSERT_EQ(json["tensors"].size(), model.tensors.size());
    for (const ordered_json& tensor : json["tensors"]) {
      check_tensor(tensor);
      check_layer(tensor);
    }
  }
}

TEST(Bench, MultipliesFloats) {
  const TempDir dir;
  compress(dir, save(dir, "in.safetensors", sparse_model()), {});
  const Result result = dcf({"bench", "--json", dir.path("out.dcf")});
  expect_success(result);
  const ordered_json json = result.json();
  for (const ordered_json& tensor : json["tensors"]) {
    EXPECT_EQ(tensor["layer"].is_null(), tensor["shape"].size() < 2) << tensor["name"];
  }
}

TEST(Bench, TextNamesEveryTensorAndTheThreads) {
  const TempDir dir;
  compress(dir, save(dir, "in.safetensors", sparse_model()), {});
  const Result result = dcf({"bench", "--threads", "2", dir.path("out.dcf")});
  expect_success(result);
  for (const char* const text : {"fc1.weight", "fc2.weight", "fc3.weight", "2 threads"}) {
    EXPECT_NE(result.out.find(text), std::string::npos) << result.out;
  }
  EXPECT_EQ(dcf({"bench", "--quiet", dir.path("out.dcf")}).out, "");
}

// What does not fit into the memory limit twice is left out, not a failure.
TEST(Bench, LeavesOutWhatDoesNotFit) {
  const TempDir dir;
  compress(dir, save(dir, "in.safetensors", gaussian_model(1000, 1000)), {"--bits", "4"});
  const Result result = dcf({"bench", "--json", "--max-memory", "6M", dir.path("out.dcf")});
  expect_success(result);
  EXPECT_TRUE(result.json()["tensors"][0]["decode"].is_null());
}

TEST(Bench, SaysWhatIsDamaged) {
  const TempDir dir;
  std::string bytes = compress(dir, save(dir, "in.safetensors", sparse_model()), {});
  bytes.back() ^= 1;
  expect_failure(dcf({"bench", dir.write("bad.dcf", bytes)}), 1, "checksum");
}

TEST(Bench, VeryManyTensorsGetLessTimeEach) {
  const Repeats usual;
  EXPECT_EQ(repeats_for(1000).time, usual.time);
  EXPECT_EQ(repeats_for(1000).least, usual.least);
  for (const size_t tensors : {1001, 5000, 100'000}) {
    constexpr double kMeasured = 7;
    EXPECT_NEAR(repeats_for(tensors).time.count() * static_cast<double>(tensors) * kMeasured, 20,
                0.01);
  }
}

}  // namespace
}  // namespace dcf::tools::test
