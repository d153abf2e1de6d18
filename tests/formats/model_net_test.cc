// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "formats/le_bytes.h"
#include "model_test_util.h"
#include "support/real_model.h"

namespace dcf::tools::test {
namespace {

void append(Bytes* out, const Bytes& more) {
  out->insert(out->end(), more.begin(), more.end());
}

// One layer of shape [2, 10] with 4-bit codes: entries at 1, 17 (a filler) and 19.
Bytes small_net() {
  Bytes net;
  append_le(&net, uint32_t{3});
  Bytes codebook = floats({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  append(&net, codebook);
  append(&net, floats({-1, -2}));
  append(&net, {0x05, 0x0f});  // codes 5, 0, 15
  append(&net, {0xf1, 0x01});  // gaps 1, 15, 1
  return net;
}

constexpr const char* kSmallLayers = R"([{"name":"fc","shape":[2,10],"bits":4}])";

class NetTest : public ::testing::Test {
 protected:
  Model read(const Bytes& net, const std::string& layers = kSmallLayers) {
    return read_model(dir_.write("m.net", net), {.layers_json = dir_.write("l.json", layers)});
  }

  TempDir dir_;
};

TEST_F(NetTest, PlacesEntriesByTheirGaps) {
  const Model model = read(small_net());
  ASSERT_EQ(model.tensors.size(), 2u);
  EXPECT_EQ(model.tensors[0], meta("fc.bias", DCF_DTYPE_F32, {2}));
  EXPECT_EQ(model.tensors[1], meta("fc.weight", DCF_DTYPE_F32, {2, 10}));
  EXPECT_EQ(model.data[0], floats({-1, -2}));
  EXPECT_EQ(model.data[1], floats({0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15}));
}

TEST_F(NetTest, RejectsWhatDoesNotFitExactly) {
  Bytes net = small_net();
  net.push_back(0);
  EXPECT_TOOL_ERROR(read(net), 1, "1 bytes after its last layer");
  net.resize(net.size() - 2);
  EXPECT_TOOL_ERROR(read(net), 1, "ends before its layers do");
  net = small_net();
  net.back() = 2;  // the last entry lies at 20
  EXPECT_TOOL_ERROR(read(net), 1, "entry 2 of layer 'fc' lies outside");
  net = small_net();
  net[4] = 1;
  EXPECT_TOOL_ERROR(read(net), 1, "does not start with 0");
  net = small_net();
  net[0] = 21;
  EXPECT_TOOL_ERROR(read(net), 1, "21 entries for 20 elements");
}

TEST_F(NetTest, RejectsBadLayerLists) {
  const Bytes net = small_net();
  EXPECT_TOOL_ERROR(read(net, "{}"), 1, "JSON array");
  EXPECT_TOOL_ERROR(read(net, "[]"), 1, "JSON array");
  EXPECT_TOOL_ERROR(read(net, R"([{"name":"a"}])"), 1, "no 'shape'");
  EXPECT_TOOL_ERROR(read(net, R"([{"name":"a","shape":[]}])"), 1, "rank 0");
  EXPECT_TOOL_ERROR(read(net, R"([{"name":"a","shape":[2],"bits":5}])"), 1, "5 bits");
  EXPECT_TOOL_ERROR(read(net, R"([{"name":"a","shape":[4294967296]}])"), 1, "elements");
  EXPECT_TOOL_ERROR(read(net, R"([{"name":"a","shape":[4294967296,0]}])"), 1, "elements");
  EXPECT_TOOL_ERROR(read(net, R"([{"name":"a","shape":[4294967296,4294967296]}])"), 1, "elements");
}

TEST_F(NetTest, RealModelOfTheAuthorEqualsItsSafetensors) {
  const std::string net = dcf::test::real_model("compressed_SqueezeNet.net");
  const std::string expected = dcf::test::real_model("squeezenet_v1.0_deepcompression.safetensors");
  if (!std::filesystem::exists(net) || !std::filesystem::exists(expected)) {
    GTEST_SKIP() << net << " or " << expected << " is missing";
  }
  const OpenHints hints{.layers_json = source_file("tools/formats/squeezenet_layers.json")};
  Model reference = read_model(expected);
  reference.metadata.clear();  // says where the file comes from
  expect_equal(read_model(net, hints), reference);
  EXPECT_EQ(reference.tensors.size(), 52u);
}

}  // namespace
}  // namespace dcf::tools::test
