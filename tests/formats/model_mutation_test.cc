// SPDX-License-Identifier: Apache-2.0
// Damaged files of every format: each opens and reads, or throws Error. Run under a sanitizer this
// is a small fuzzer whose failures repeat.
#include <functional>

#include "formats/le_bytes.h"
#include "model_test_util.h"
#include "proto_writer.h"

namespace dcf::tools::test {
namespace {

constexpr uint64_t kMutationsPerFormat = 4000;

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  uint64_t below(uint64_t limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (state_ >> 33) % limit;
  }

 private:
  uint64_t state_;
};

std::string mutate(std::string file, Random* random) {
  const uint64_t edits = 1 + random->below(3);
  for (uint64_t i = 0; i < edits && !file.empty(); ++i) {
    const size_t at = random->below(file.size());
    switch (random->below(6)) {
      case 0:
        file.resize(at);
        break;
      case 1:
        file.erase(at, 1 + random->below(8));
        break;
      case 2:
        file.insert(at, file.substr(at, 1 + random->below(16)));
        break;
      case 3:
        file[at] = static_cast<char>(0xff);
        break;
      case 4:
        file[at] = static_cast<char>(file[at] ^ (1 << random->below(8)));
        break;
      default:
        file[at] = static_cast<char>(random->below(256));
        break;
    }
  }
  return file;
}

class MutationTest : public ::testing::Test {
 protected:
  // The intact file must open; its mutants must not do worse than throw Error.
  void run(const std::string& name, const std::string& intact, const OpenHints& hints = {}) {
    read_model(dir_.write(name, intact), hints);
    Random random(intact.size());
    uint64_t rejected = 0;
    for (uint64_t i = 0; i < kMutationsPerFormat; ++i) {
      const std::string path = dir_.write(name, mutate(intact, &random));
      try {
        read_model(path, hints);
      } catch (const Error& error) {
        ++rejected;
        ASSERT_TRUE(error.exit_code == 1 || error.exit_code == 2);
        ASSERT_NE(std::string(error.what()).find(dir_.path("")), std::string::npos) << error.what();
      }
    }
    EXPECT_GT(rejected, kMutationsPerFormat / 10);
    EXPECT_LT(rejected, kMutationsPerFormat);
  }

  std::string written(SinkFormat format) {
    const Model model{.tensors = {meta("conv.weight", DCF_DTYPE_F32, {2, 3}),
                                  meta("b", DCF_DTYPE_BF16, {4}), meta("e", DCF_DTYPE_U8, {0})},
                      .data = {noise(24, 1), noise(8, 2), {}},
                      .metadata = {{"key", "value"}}};
    const std::string path = dir_.path("seed");
    write_model(path, model, format, true);
    return read_text(path);
  }

  TempDir dir_;
};

TEST_F(MutationTest, Safetensors) {
  run("m.safetensors", written(SinkFormat::kSafetensors));
}

TEST_F(MutationTest, Npz) {
  run("m.npz", written(SinkFormat::kNpz));
}

TEST_F(MutationTest, NpzDeflated) {
  const std::string array =
      npy("{'descr': '>f4', 'fortran_order': True, 'shape': (4, 2)}", std::string(32, 'w'));
  const std::vector<ZipItem> items = {{.name = "a.npy", .content = array, .deflate = true},
                                      {.name = "b.npy", .content = array}};
  run("m.npz", zip(items));
  run("m.npz", zip(items, {.zip64 = true}));
}

TEST_F(MutationTest, Npy) {
  run("m.npy",
      npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", std::string(24, 'x')));
}

TEST_F(MutationTest, Tfjs) {
  dir_.write("s1", std::string("\1\0\0\0a\0\0\0\0", 9));
  dir_.write("s2", std::string(9, 'y'));
  run("model.json",
      R"({"format":"layers-model","modelTopology":{"x":[1,2]},"weightsManifest":[{"paths":["s1","s2"],)"
      R"("weights":[{"name":"s","shape":[2],"dtype":"string"},{"name":"f","shape":[2],"dtype":"float32"},)"
      R"({"name":"q","shape":[1],"dtype":"float32","quantization":{"dtype":"uint8","scale":0.5,"min":1}}]}]})");
}

#ifdef DCF_WITH_ONNX
TEST_F(MutationTest, Onnx) {
  dir_.write("w", std::string(16, 'w'));
  const Proto constant = onnx_node(
      "Constant", {}, "k", {onnx_attribute("value", 5, onnx_raw_tensor("", 1, {1}, "abcd"))});
  const Proto body =
      Proto().message(1, constant).message(5, onnx_tensor("f", 1, {2}).bytes(4, "abcdefgh"));
  Proto graph = Proto().message(1, onnx_node("If", {"c"}, "o", {onnx_attribute("b", 6, body)}));
  graph.message(5, onnx_raw_tensor("raw", 2, {2, 2}, "abcd"))
      .message(5, onnx_external_tensor("x", 1, {2}, "w", "8", "8"))
      .message(5, onnx_external_tensor("y", 1, {2}, "w", nullptr, nullptr));
  run("m.onnx", onnx_model(graph).str());
}
#endif

TEST_F(MutationTest, Gguf) {
  run("m.gguf", read_text(source_file("fuzz/seeds/gguf/numbers")));
  run("m.gguf", read_text(source_file("fuzz/seeds/gguf/split_q4_1")));
}

#ifdef DCF_WITH_TFLITE
TEST_F(MutationTest, Tflite) {
  run("m.tflite", read_text(source_file("fuzz/seeds/tflite/types")));
  run("m.tflite", read_text(source_file("fuzz/seeds/tflite/large")));
}
#endif

TEST_F(MutationTest, SafetensorsIndex) {
  dir_.write("a", safetensors(R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "ab"));
  dir_.write("b", safetensors(R"({"y":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "cd"));
  run("m.json", R"({"metadata":{"total_size":4},"weight_map":{"x":"a","y":"b"}})");
}

TEST_F(MutationTest, Ctranslate2) {
  run("model.bin", std::string("\6\0\0\0\5\0Spec\0\1\0\0\0\1\0\0\0\2\0w\0\1\2\0\0\0\1\2\0\0\0ab"
                               "\1\0\0\0\2\0v\0\2\0w\0",
                               47));
}

TEST_F(MutationTest, Csr) {
  const auto array = [](const std::string& descr, const std::string& shape,
                        const std::string& data) {
    return npy("{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + "}", data);
  };
  run("m.npz", zip({{.name = "format.npy", .content = array("|S3", "()", "csr")},
                    {.name = "shape.npy",
                     .content = array("<i4", "(2,)", std::string("\2\0\0\0\3\0\0\0", 8))},
                    {.name = "indptr.npy",
                     .content = array("<i4", "(3,)", std::string("\0\0\0\0\1\0\0\0\2\0\0\0", 12))},
                    {.name = "indices.npy",
                     .content = array("<i4", "(2,)", std::string("\1\0\0\0\2\0\0\0", 8))},
                    {.name = "data.npy", .content = array("|u1", "(2,)", "ab")}}));
}

TEST_F(MutationTest, Net) {
  Bytes net;
  append_le(&net, uint32_t{4});
  net.resize(net.size() + 16 * sizeof(float) + 2 * sizeof(float));
  for (const int byte : {0x21, 0x43, 0x12, 0x31}) net.push_back(static_cast<uint8_t>(byte));
  const std::string layers = R"([{"name":"fc","shape":[2,6],"bits":4}])";
  const std::string text(net.begin(), net.end());
  run("m.net", text, {.layers_json = dir_.write("layers.json", layers)});

  // And a damaged list of layers for an intact file.
  const std::string intact = dir_.write("m.net", text);
  Random random(1);
  for (uint64_t i = 0; i < kMutationsPerFormat; ++i) {
    const OpenHints hints{.layers_json = dir_.write("layers.json", mutate(layers, &random))};
    try {
      read_model(intact, hints);
    } catch (const Error& error) {
      ASSERT_EQ(error.exit_code, 1) << error.what();
    }
  }
}

}  // namespace
}  // namespace dcf::tools::test
