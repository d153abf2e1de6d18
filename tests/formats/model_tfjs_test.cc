// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <cmath>
#include <cstdint>
#include <filesystem>

#include "formats/beneath.h"
#include "formats/le_bytes.h"
#include "model_test_util.h"
#include "reassemble.h"

namespace dcf::tools::test {
namespace {

class TfjsTest : public ::testing::Test {
 protected:
  std::string manifest(const std::string& paths, const std::string& weights) {
    return dir_.write("model.json", R"({"modelTopology":{"node":[[[1]],[2]]},"weightsManifest":[)"
                                    R"({"paths":[)" +
                                        paths + R"(],"weights":[)" + weights + "]}]}");
  }
  void expect_error(const std::string& paths, const std::string& weights, int code,
                    const char* text) {
    EXPECT_TOOL_ERROR(open_model(manifest(paths, weights)), code, text);
  }

  TempDir dir_;
};

TEST_F(TfjsTest, JoinsTheShardsOfAGroup) {
  dir_.write("s1", "ABCDE");
  dir_.write("s2", "");
  dir_.write("s3", "FGHIJ");
  const std::string path =
      manifest(R"("s1","s2","s3")", R"({"name":"a","shape":[2],"dtype":"float32"},)"
                                    R"({"name":"b","shape":[],"dtype":"bool"},)"
                                    R"({"name":"c","shape":[1],"dtype":"uint8"})");
  const Model model = read_model(path);
  ASSERT_EQ(model.tensors.size(), 3u);
  EXPECT_EQ(model.tensors[0], meta("a", DCF_DTYPE_F32, {2}));
  EXPECT_EQ(model.tensors[1], meta("b", DCF_DTYPE_BOOL, {}));
  EXPECT_EQ(model.data[0], to_bytes("ABCDEFGH"));
  EXPECT_EQ(model.data[1], to_bytes("I"));
  EXPECT_EQ(model.data[2], to_bytes("J"));
  EXPECT_EQ(open_model(path)->file_bytes(), 10 + read_text(path).size());
}

TEST_F(TfjsTest, KeepsQuantisedIntegersAndSaysHowToUseThem) {
  dir_.write("s", "ABCDEF");
  const Model model = read_model(manifest(
      R"("s")",
      R"({"name":"q","shape":[2],"dtype":"float32","quantization":{"dtype":"uint8","scale":0.1,"min":-1}},)"
      R"({"name":"r","shape":[1],"dtype":"int32","quantization":{"dtype":"uint16","scale":2,"min":0,"original_dtype":"int32"}},)"
      R"({"name":"h","shape":[1],"dtype":"float32","quantization":{"dtype":"float16"}})"));
  ASSERT_EQ(model.tensors.size(), 3u);
  EXPECT_EQ(model.tensors[0], meta("h", DCF_DTYPE_F16, {1}));
  EXPECT_EQ(model.tensors[1], meta("q", DCF_DTYPE_U8, {2}));
  EXPECT_EQ(model.tensors[2], meta("r", DCF_DTYPE_U16, {1}));
  EXPECT_EQ(model.data[1], to_bytes("AB"));
  const Metadata expected = {
      {"tfjs.quantization.h", R"({"dtype":"float32"})"},
      {"tfjs.quantization.q", R"({"dtype":"float32","min":-1,"scale":0.1})"},
      {"tfjs.quantization.r", R"({"dtype":"int32","min":0,"original_dtype":"int32","scale":2})"}};
  EXPECT_EQ(model.metadata, expected);
}

TEST_F(TfjsTest, StringsBecomeBytes) {
  const std::string strings("\3\0\0\0abc\0\0\0\0\1\0\0\0x", 16);
  dir_.write("s", strings + "Z");
  const std::string weights =
      R"({"name":"w","shape":[3,1],"dtype":"string"},{"name":"z","shape":[1],"dtype":"uint8"})";
  const Model model = read_model(manifest(R"("s")", weights));
  EXPECT_EQ(model.tensors.at(0), meta("w", DCF_DTYPE_U8, {16}));
  EXPECT_EQ(model.data.at(0), to_bytes(strings));
  EXPECT_EQ(model.data.at(1), to_bytes("Z"));
  EXPECT_EQ(model.metadata, (Metadata{{"tfjs.string.w", "[3,1]"}}));

  dir_.write("s", strings.substr(0, 14));
  expect_error(R"("s")", weights, 1, "cut off");
  dir_.write("s", std::string("\xff\xff\xff\xff", 4) + strings);
  expect_error(R"("s")", weights, 1, "cut off");
}

TEST_F(TfjsTest, CarriesTheModelsStrings) {
  const std::string path =
      dir_.write("model.json",
                 "\xef\xbb\xbf {\"format\":\"graph-model\",\"generatedBy\":\"2.3\","
                 R"("convertedBy":null,"userDefinedMetadata":{"a":[1]},"weightsManifest":[]})");
  EXPECT_EQ(read_model(path).metadata, (Metadata{{"tfjs.format", "graph-model"},
                                                 {"tfjs.generatedBy", "2.3"},
                                                 {"tfjs.userDefinedMetadata", R"({"a":[1]})"}}));
}

TEST_F(TfjsTest, TheSameFilesCanBePutTogetherAgain) {
  std::filesystem::create_directory(dir_.path("sub"));
  dir_.write("s1", "ABC");
  dir_.write("sub/s2", "");
  dir_.write("s3", "DEFGHIJ and more");
  dir_.write("t", "1234");
  const std::string path = dir_.write(
      "m.json",
      R"({"modelTopology":{},"weightsManifest":[{"paths":["s1","sub/s2","s3"],"weights":[)"
      R"({"name":"e","shape":[0],"dtype":"int32"},{"name":"a","shape":[2],"dtype":"float32"},)"
      R"({"name":"q","shape":[1],"dtype":"float32","quantization":{"dtype":"float16"}}]},)"
      R"({"paths":[],"weights":[{"name":"f","shape":[0],"dtype":"bool"}]},)"
      R"({"paths":["t"],"weights":[{"name":"b","shape":[1],"dtype":"int32"}]}]})");
  const auto source = open_model(path);
  ASSERT_NE(source->layout(), nullptr);
  EXPECT_EQ(layout_fault(*source), "");
  EXPECT_EQ(source->layout()->files(), 5u);
  EXPECT_EQ(source->layout()->file_name(0), "m.json");
  EXPECT_EQ(source->layout()->file_name(2), "sub/s2");
  const std::vector<uint8_t> encoded = source->layout()->encoded();
  EXPECT_EQ(LayoutReader("layout", encoded).types().at(2), "float32 quantized");
  EXPECT_TRUE(source->notes().empty());
}

TEST_F(TfjsTest, FilesThatNoOutputIsNamedAfterHaveNoLayout) {
  dir_.write(".s", "AB");
  const std::string path = manifest(R"(".s")", R"({"name":"a","shape":[1],"dtype":"uint8"})");
  const auto source = open_model(path);
  EXPECT_EQ(source->layout(), nullptr);
  EXPECT_EQ(source->read(0), to_bytes("A"));
  EXPECT_EQ(source->notes(),
            std::vector<std::string>{"left out: 1 bytes after the last weights of weight files"});
}

TEST_F(TfjsTest, ReadsAManifestAlone) {
  dir_.write("shard1", "ABCD");
  const std::string text =
      R"([{"paths":["shard1"],"weights":[{"name":"x","shape":[1],"dtype":"float32"}]}])";
  const auto source = open_model(dir_.write("weights_manifest.json", text));
  ASSERT_EQ(source->tensors().size(), 1u);
  EXPECT_EQ(source->read(0), to_bytes("ABCD"));
  EXPECT_EQ(layout_fault(*source), "");
  EXPECT_TRUE(open_model(dir_.write("m.json", "[]"))->tensors().empty());
  EXPECT_TOOL_ERROR(open_model(dir_.write("m.json", "[1]")), 1, "not a JSON object");
}

class DequantizeTest : public TfjsTest {
 protected:
  // The numbers of the one weight that is stored as `data`.
  Model numbers(const std::string& fields, const std::string& data) {
    dir_.write("s", data);
    OpenHints hints;
    hints.dequantize = true;
    const std::string path = manifest(R"("s")", R"({"name":"x",)" + fields + "}");
    EXPECT_EQ(open_model(path, hints)->layout(), nullptr);
    return read_model(path, hints);
  }
  static Bytes integers(std::initializer_list<int32_t> values) {
    Bytes bytes;
    for (const int32_t value : values) append_le(&bytes, static_cast<uint32_t>(value));
    return bytes;
  }
};

TEST_F(DequantizeTest, ScalesAsTensorFlowJsDoes) {
  const Model model = numbers(
      R"("shape":[3],"dtype":"float32","quantization":{"dtype":"uint8","scale":0.1,"min":-1})",
      std::string("\0\3\xff", 3));
  EXPECT_EQ(model.tensors.at(0), meta("x", DCF_DTYPE_F32, {3}));
  // In double precision: 3 * 0.1 - 1 in float32 arithmetic would be another number.
  EXPECT_EQ(model.data.at(0),
            floats({-1, static_cast<float>(3 * 0.1 - 1), static_cast<float>(255 * 0.1 - 1)}));
  EXPECT_TRUE(model.metadata.empty());
  EXPECT_EQ(
      numbers(
          R"("shape":[1],"dtype":"float32","quantization":{"dtype":"uint16","scale":0.5,"min":0})",
          "\x01\x02")
          .data.at(0),
      floats({0x201 * 0.5F}));
}

TEST_F(DequantizeTest, WidensHalves) {
  const Model model = numbers(
      R"("shape":[4],"dtype":"float32","quantization":{"dtype":"float16","scale":9,"min":9})",
      std::string("\0\x3c\0\xc0\1\0\0\x7c", 8));
  EXPECT_EQ(model.data.at(0), floats({1, -2, 5.9604644775390625e-8F, INFINITY}));
}

TEST_F(DequantizeTest, RoundsIntegersHalvesUp) {
  const auto rounded = [&](const std::string& scale, const std::string& min) {
    const std::string fields =
        R"("shape":[2],"dtype":"int32","quantization":{"dtype":"uint8","scale":)" + scale +
        R"(,"min":)" + min + "}";
    return numbers(fields, "\1\2").data.at(0);
  };
  EXPECT_EQ(rounded("0.5", "0"), integers({1, 1}));
  EXPECT_EQ(rounded("0.5", "-2"), integers({-1, -1}));
  EXPECT_EQ(rounded("1", "-3.2"), integers({-2, -1}));
  EXPECT_EQ(rounded("2147483648", "0"), integers({INT32_MIN, 0}));  // modulo 2^32
  EXPECT_EQ(rounded("-2147483648", "-1"), integers({INT32_MAX, -1}));
  EXPECT_EQ(rounded("1e308", "1.7e308"), integers({0, 0}));
}

TEST_F(DequantizeTest, LeavesOtherWeightsAlone) {
  dir_.write("s", "ABCDEFG");
  OpenHints hints;
  hints.dequantize = true;
  const std::string plain = R"({"name":"p","shape":[1],"dtype":"float32"})";
  const std::string path = manifest(
      R"("s")",
      plain +
          R"(,{"name":"q","shape":[3],"dtype":"float32","quantization":{"dtype":"uint8","scale":1,"min":0}})");
  const auto source = open_model(path, hints);
  EXPECT_EQ(source->read(0), to_bytes("ABCD"));
  EXPECT_EQ(source->read(1), floats({'E', 'F', 'G'}));
  EXPECT_TOOL_ERROR(
      open_model(
          dir_.write("m.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", "A")),
          hints),
      2, "no TensorFlow.js model");
  // Where nothing is quantised, the layout stays.
  EXPECT_NE(open_model(manifest(R"("s")", plain), hints)->layout(), nullptr);
  for (
      const char* weight :
      {R"({"name":"b","shape":[1],"dtype":"bool","quantization":{"dtype":"uint8","scale":1,"min":0}})",
       R"({"name":"b","shape":[1],"dtype":"int32","quantization":{"dtype":"float16"}})"}) {
    EXPECT_TOOL_ERROR(open_model(manifest(R"("s")", weight), hints), 2, "does not turn back");
  }
}

TEST_F(TfjsTest, StandInsForWeightFilesAreCalledWhatTheyAre) {
  dir_.write("s", "version https://git-lfs.github.com/spec/v1\n");
  expect_error(R"("s")", R"({"name":"a","shape":[999],"dtype":"uint8"})", 1,
               "s': is a Git LFS pointer");
}

TEST_F(TfjsTest, ShardsMustHoldTheWeights) {
  dir_.write("s", "ABCD");
  expect_error(R"("s")", R"({"name":"a","shape":[2],"dtype":"float32"})", 1, "ends after");
  expect_error(R"("s","t")", "", 2, "no such file");
  expect_error(
      R"("s")",
      R"({"name":"a","shape":[2],"dtype":"uint8"},{"name":"a","shape":[2],"dtype":"bool"})", 1,
      "two tensors named 'a'");
}

TEST_F(TfjsTest, PathsStayBelowTheModel) {
  dir_.write("s", "");
  std::filesystem::create_directory(dir_.path("sub"));
  dir_.write("sub/s", "A");
  EXPECT_EQ(
      read_model(manifest(R"("sub/s")", R"({"name":"a","shape":[1],"dtype":"uint8"})")).data.at(0),
      to_bytes("A"));
  for (const char* path :
       {"/etc/passwd", "../s", "sub/../s", "..", "", ".", "sub/", "./s", "sub//s"}) {
    expect_error('"' + std::string(path) + '"', "", 1, "plain path");
  }
  expect_error(R"("s\u0000")", "", 1, "plain path");
  expect_error(R"("s","s")", "", 1, "twice");
  expect_error(R"("sub")", "", 2, "directory");
}

TEST_F(TfjsTest, FollowsNoSymbolicLinks) {
  const TempDir outside;
  outside.write("s", "A");
  std::filesystem::create_directory(dir_.path("sub"));
  dir_.write("sub/s", "A");
  std::filesystem::create_symlink(outside.path("s"), dir_.path("file_link"));
  std::filesystem::create_symlink("sub/s", dir_.path("inner_link"));
  std::filesystem::create_directory_symlink(outside.path("."), dir_.path("folder_link"));
  for (const char* path : {"file_link", "inner_link", "folder_link/s"}) {
    expect_error('"' + std::string(path) + '"', R"({"name":"a","shape":[1],"dtype":"uint8"})", 1,
                 "symbolic link");
  }
}

// Both ways of opening, as an old kernel has only the second.
TEST_F(TfjsTest, BothWaysOfOpeningStayBeneath) {
  std::filesystem::create_directories(dir_.path("sub/deep"));
  dir_.write("sub/deep/s", "A");
  std::filesystem::create_symlink("sub", dir_.path("link"));
  std::filesystem::create_symlink("s", dir_.path("sub/deep/last"));
  const dcf::impl::io::Syscalls& sys = dcf::impl::io::system_calls();
  const dcf::impl::io::UniqueFd root(sys, open(dir_.path(".").c_str(), O_PATH | O_DIRECTORY));
  for (const auto way : {open_beneath_at_once, open_beneath_by_component}) {
    const dcf::impl::io::UniqueFd good(sys, way(root.get(), "sub/deep/s"));
    if (!good.valid() && errno == ENOSYS) continue;
    EXPECT_TRUE(good.valid());
    for (const char* name : {"link/deep/s", "sub/deep/last", "link"}) {
      const dcf::impl::io::UniqueFd bad(sys, way(root.get(), name));
      EXPECT_FALSE(bad.valid()) << name;
      EXPECT_EQ(errno, ELOOP) << name;
    }
    const dcf::impl::io::UniqueFd none(sys, way(root.get(), "sub/none/s"));
    EXPECT_FALSE(none.valid());
    EXPECT_EQ(errno, ENOENT);
  }
}

TEST_F(TfjsTest, HostilePathsAreQuotedOnOneLine) {
  expect_error(R"("a\n\ndcf: everything is fine")", "", 2,
               R"(/a\x0a\x0adcf: everything is fine': there is no such file)");
}

TEST_F(TfjsTest, RejectsBadManifests) {
  dir_.write("s", "ABCD");
  const auto weight = [](const std::string& fields) { return R"({"name":"a",)" + fields + "}"; };
  expect_error(R"("s")", weight(R"("shape":[4])"), 1, "no 'dtype'");
  expect_error(R"("s")", weight(R"("shape":[4],"dtype":"float8")"), 2, "not supported");
  expect_error(R"("s")", weight(R"("shape":[-4],"dtype":"uint8")"), 1, "unsigned");
  expect_error(R"("s")", weight(R"("shape":[9223372036854775808,9],"dtype":"uint8")"), 1,
               "64 bits");
  expect_error(R"("s")",
               weight(R"("shape":[4],"dtype":"float32","quantization":{"dtype":"uint8"})"), 1,
               "no 'scale'");
  expect_error(
      R"("s")",
      weight(
          R"("shape":[4],"dtype":"float32","quantization":{"dtype":"uint8","scale":"1","min":0})"),
      1, "no number");
  expect_error(R"("s")", weight(R"("shape":[4],"dtype":"float32","quantization":{"dtype":"int4"})"),
               2, "not supported");
  expect_error(R"("s")", weight(R"("shape":[1],"dtype":"string","quantization":{"dtype":"uint8"})"),
               1, "string with quantization");
  EXPECT_TOOL_ERROR(open_model(dir_.write("m.json", "{}")), 1, "no array 'weightsManifest'");
  EXPECT_TOOL_ERROR(open_model(dir_.write("m.json", R"({"weightsManifest":[1]})")), 1,
                    "not a JSON object");
  EXPECT_TOOL_ERROR(open_model(dir_.write("m.json", "{\"a\":")), 1, "not valid JSON");
}

}  // namespace
}  // namespace dcf::tools::test
