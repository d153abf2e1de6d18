// SPDX-License-Identifier: Apache-2.0
// `dcf bench --against`: which tensors a general compressor packs smaller, and by what.
#include <gtest/gtest.h>

#include <set>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

using nlohmann::ordered_json;

void add(Model* model, const TensorMeta& tensor, Bytes data) {
  model->tensors.push_back(tensor);
  model->data.push_back(std::move(data));
}

// Noise that comes back after a distance which is no row: only a coder with matches sees it.
Model repeating_model() {
  constexpr size_t kPeriod = 5000;
  constexpr size_t kTimes = 8;
  Bytes bytes;
  const Bytes once = noise(kPeriod, 1);
  for (size_t i = 0; i < kTimes; ++i) bytes.insert(bytes.end(), once.begin(), once.end());
  Model model;
  const uint64_t size = bytes.size();
  add(&model, meta("repeats", DCF_DTYPE_U8, {size}), std::move(bytes));
  add(&model, meta("weights", DCF_DTYPE_F32, {100, 100}), gaussian_model(100, 100).data[0]);
  return model;
}

// Values of two bytes, and the same as their low bytes and then their high bytes.
Model planes_model() {
  constexpr size_t kElements = 40000;
  const Bytes random = noise(kElements, 2);
  Bytes elements;
  Bytes planes;
  for (const uint8_t byte : random) {
    elements.push_back(byte);
    elements.push_back(byte / 64);
    planes.push_back(byte);
  }
  for (const uint8_t byte : random) planes.push_back(byte / 64);
  Model model;
  add(&model, meta("elements", DCF_DTYPE_U16, {kElements}), std::move(elements));
  add(&model, meta("planes", DCF_DTYPE_U8, {2 * kElements}), std::move(planes));
  return model;
}

std::string packed(const TempDir& dir, const Model& model) {
  compress(dir, save(dir, "in.safetensors", model), {});
  return dir.path("out.dcf");
}

const ordered_json& tensor_of(const ordered_json& json, const std::string& name) {
  for (const ordered_json& tensor : json["tensors"]) {
    if (tensor["name"] == name) return tensor;
  }
  ADD_FAILURE() << "no tensor " << name;
  return json["tensors"][0];
}

TEST(BenchAgainst, NamesTensorsThatLose) {
  const TempDir dir;
  const std::string file = packed(dir, repeating_model());
  const Result text = dcf({"bench", file, "--against", "zstd,shuffle+zstd-7"});
  expect_success(text);
  for (const char* const part : {"repeats", "zstd-3", "shuffle+zstd-7", "1 of 2 tensors"}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << text.out;
  }
  EXPECT_EQ(text.out.find("weights"), std::string::npos) << text.out;

  const Result result = dcf({"bench", "--against", "zstd,shuffle+zstd-7", "--json", file});
  expect_success(result);
  const ordered_json json = result.json();
  EXPECT_EQ(keys(json), (std::set<std::string>{"file_bytes", "compared", "tensors"}));
  EXPECT_EQ(keys(json["compared"]), (std::set<std::string>{"tensors", "encoded_bytes", "peers"}));
  EXPECT_EQ(json["compared"]["tensors"], 2);
  uint64_t ours = 0;
  uint64_t theirs = 0;
  for (const ordered_json& tensor : json["tensors"]) {
    EXPECT_EQ(keys(tensor), (std::set<std::string>{"name", "dtype", "dense_bytes", "encoded_bytes",
                                                   "peers", "loses"}));
    EXPECT_EQ(keys(tensor["peers"]), (std::set<std::string>{"zstd-3", "shuffle+zstd-7"}));
    EXPECT_EQ(tensor["loses"], tensor["name"] == "repeats");
    ours += tensor["encoded_bytes"].get<uint64_t>();
    theirs += tensor["peers"]["zstd-3"].get<uint64_t>();
  }
  EXPECT_EQ(json["compared"]["encoded_bytes"], ours);
  EXPECT_EQ(json["compared"]["peers"]["zstd-3"], theirs);
  EXPECT_LT(ours, json["file_bytes"].get<uint64_t>());
  EXPECT_LT(tensor_of(json, "repeats")["peers"]["zstd-3"], 6000);
}

TEST(BenchAgainst, ShuffleIsByByteOfTheElement) {
  const TempDir dir;
  const std::string file = packed(dir, planes_model());
  const Result result = dcf({"bench", file, "--against", "zstd,shuffle+zstd,zstd-19", "--json"});
  expect_success(result);
  const ordered_json json = result.json();
  const ordered_json& elements = tensor_of(json, "elements")["peers"];
  const ordered_json& planes = tensor_of(json, "planes")["peers"];
  EXPECT_EQ(elements["shuffle+zstd-3"], planes["zstd-3"]);
  EXPECT_EQ(planes["shuffle+zstd-3"], planes["zstd-3"]);
  EXPECT_NE(elements["zstd-3"], planes["zstd-3"]);
  EXPECT_LE(planes["zstd-19"], planes["zstd-3"]);
}

// Empty tensors, scalars, types of less than a byte.
TEST(BenchAgainst, TakesEveryType) {
  const TempDir dir;
  const std::string file = packed(dir, every_kind_model());
  const Result result = dcf({"bench", file, "--against", "zstd,shuffle+zstd", "--json"});
  expect_success(result);
  EXPECT_EQ(result.json()["compared"]["tensors"], every_kind_model().tensors.size());
  expect_success(dcf({"bench", packed(TempDir(), Model{}), "--against", "zstd"}));
}

TEST(BenchAgainst, PacksWithXzOrNamesItAsMissing) {
  const TempDir dir;
  const std::string file = packed(dir, repeating_model());
  const Result result = dcf({"bench", file, "--against", "xz", "--json"});
  if (result.exit_code == 2) {
    expect_failure(dcf({"bench", file, "--against", "xz"}), 2, "made without liblzma");
    return;
  }
  expect_success(result);
  const uint64_t bytes = tensor_of(result.json(), "repeats")["peers"]["xz-9"];
  EXPECT_GT(bytes, 5000u);
  EXPECT_LT(bytes, 6000u);
}

TEST(BenchAgainst, RefusesWhatItDoesNotKnow) {
  const TempDir dir;
  const std::string file = packed(dir, gaussian_model(10, 10));
  for (const char* const peers : {"gzip", "zstd-0", "zstd-20", "zstd-", "zstd-3x", "xz-10", "xz--1",
                                  "shuffle+xz", "zstd,", ",zstd", "zstd,,xz"}) {
    expect_failure(dcf({"bench", file, "--against", peers}), 2, "is none of zstd-1");
  }
  expect_failure(dcf({"bench", file, "--against", "zstd,zstd-3"}), 2, "zstd-3 is there twice");
  expect_failure(dcf({"bench", file, "--against", ""}), 2, "--against");
}

TEST(BenchAgainst, LeavesOutWhatDoesNotFit) {
  const TempDir dir;
  const std::string file = packed(dir, gaussian_model(1000, 1000));
  const Result result = dcf({"bench", file, "--against", "zstd", "-M", "4M"});
  expect_success(result);
  EXPECT_NE(result.out.find("1 tensor left out"), std::string::npos) << result.out;
  const Result json = dcf({"bench", file, "--against", "zstd", "-M", "4M", "--json"});
  expect_success(json);
  EXPECT_TRUE(json.json()["tensors"][0]["peers"].empty());
}

TEST(BenchAgainst, SaysWhatIsDamaged) {
  const TempDir dir;
  std::string bytes =
      compress(dir, save(dir, "in.safetensors", gaussian_model(50, 50)), {"--no-exact-file"});
  bytes.back() ^= 1;
  expect_failure(dcf({"bench", "--against", "zstd", dir.write("bad.dcf", bytes)}), 1, "checksum");
}

}  // namespace
}  // namespace dcf::tools::test
