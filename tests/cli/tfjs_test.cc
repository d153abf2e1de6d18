// SPDX-License-Identifier: Apache-2.0
// TensorFlow.js models: shards, quantised weights in their stored dtype, strings.
#include <gtest/gtest.h>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

// dense: 6 floats; q8 and q16: quantised; half: float16; words: two strings. The shards are cut in
// the middle of weights.
constexpr const char* kModelJson = R"({
  "format": "graph-model", "generatedBy": "2.3", "modelTopology": {"node": []},
  "weightsManifest": [{"paths": ["group1-shard1of2.bin", "group1-shard2of2.bin"], "weights": [
    {"name": "dense", "shape": [2, 3], "dtype": "float32"},
    {"name": "q8", "shape": [5], "dtype": "float32",
     "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.25, "original_dtype": "float32"}},
    {"name": "q16", "shape": [2], "dtype": "float32",
     "quantization": {"dtype": "uint16", "scale": 0.25, "min": 0, "original_dtype": "float32"}},
    {"name": "half", "shape": [2], "dtype": "float32",
     "quantization": {"dtype": "float16", "original_dtype": "float32"}},
    {"name": "words", "shape": [2], "dtype": "string"}]}]})";

std::string payload() {
  const Bytes floating = floats({1, 0, -2, 0, 0, 0.5f});
  std::string bytes(floating.begin(), floating.end());
  bytes += "\1\2\3\4\5";
  bytes += "abcd";
  bytes += "efgh";
  bytes += std::string("\3\0\0\0one\2\0\0\0hi", 13);
  return bytes;
}

const TensorMeta* find(const Model& model, const std::string& name) {
  for (const TensorMeta& tensor : model.tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

TEST(Tfjs, StoredDtypesStringsAndScalesComeBack) {
  const TempDir dir;
  const std::string bytes = payload();
  const std::string input = dir.write("model.json", kModelJson);
  dir.write("group1-shard1of2.bin", bytes.substr(0, 26));
  dir.write("group1-shard2of2.bin", bytes.substr(26));
  expect_success(dcf({"compress", "--lossless", input, "-o", dir.path("m.dcf")}));
  expect_success(dcf({"verify", dir.path("m.dcf")}));
  expect_success(dcf({"compare", input, dir.path("m.dcf")}));
  expect_success(dcf({"decompress", dir.path("m.dcf"), "-o", dir.path("m.safetensors")}));

  const Model restored = read_model(dir.path("m.safetensors"));
  ASSERT_EQ(restored.tensors.size(), 5u);
  std::string in_file_order;
  for (const auto& [name, dtype] : {std::pair{"dense", DCF_DTYPE_F32},
                                    {"q8", DCF_DTYPE_U8},
                                    {"q16", DCF_DTYPE_U16},
                                    {"half", DCF_DTYPE_F16},
                                    {"words", DCF_DTYPE_U8}}) {
    const TensorMeta* const tensor = find(restored, name);
    ASSERT_NE(tensor, nullptr) << name;
    EXPECT_EQ(tensor->dtype, dtype) << name;
    const Bytes& data = restored.data[static_cast<size_t>(tensor - restored.tensors.data())];
    in_file_order.append(data.begin(), data.end());
  }
  EXPECT_TRUE(in_file_order == bytes);

  std::string metadata;
  for (const auto& [key, value] : restored.metadata) metadata += key + "=" + value + "\n";
  for (const char* const part : {"graph-model", "q8", "0.5", "-1.25", "q16", "0.25", "words"}) {
    EXPECT_NE(metadata.find(part), std::string::npos) << part << " is not in\n" << metadata;
  }
}

TEST(Tfjs, AMissingOrShortShardIsNamed) {
  const TempDir dir;
  const std::string bytes = payload();
  const std::string input = dir.write("model.json", kModelJson);
  dir.write("group1-shard1of2.bin", bytes.substr(0, 26));
  const std::vector<std::string> compress = {"compress", input, "-o", dir.path("m.dcf")};
  expect_failure(dcf(compress), 2, "group1-shard2of2.bin");
  dir.write("group1-shard2of2.bin", bytes.substr(26, 10));
  EXPECT_EQ(dcf(compress).exit_code, 1);
  EXPECT_EQ(dir.list().size(), 3u);
}

}  // namespace
}  // namespace dcf::tools::test
