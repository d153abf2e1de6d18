// SPDX-License-Identifier: Apache-2.0
// Networks as text: the whole grammar, shapes, the canonical form, and what is refused with which
// words.
#include <limits>

#include "cli/network/network.h"
#include "model_test_util.h"

namespace dcf::tools::test {
namespace {

constexpr const char* kLeNet5 =
    R"({"input":[1,28,28],"scale":0.00390625,"layers":["conv conv1 20 5x5","maxpool 2",)"
    R"("conv conv2 50 5x5","maxpool 2","linear ip1 500","relu","linear ip2 10"]})";

Network with_layers(const std::string& layers, const std::string& input = "[1,28,28]") {
  return parse_network("{\"input\":" + input + ",\"layers\":[" + layers + "]}");
}

TEST(NetworkText, ShapesOfLeNet5) {
  const Network net = parse_network(kLeNet5);
  EXPECT_EQ(net.input, (Shape{1, 28, 28}));
  EXPECT_EQ(net.scale, 1.0 / 256);
  EXPECT_EQ(net.mean, 0);
  ASSERT_EQ(net.layers.size(), 7u);
  const Shape outs[] = {{20, 24, 24}, {20, 12, 12}, {50, 8, 8}, {50, 4, 4},
                        {500, 1, 1},  {500, 1, 1},  {10, 1, 1}};
  for (size_t i = 0; i < 7; ++i) EXPECT_EQ(net.layers[i].out, outs[i]) << i;
  for (size_t i = 1; i < 7; ++i) EXPECT_EQ(net.layers[i].in, outs[i - 1]) << i;
  EXPECT_EQ(net.layers[2].name, "conv2");
  EXPECT_EQ(net.layers[2].weight_dims(), (std::vector<uint64_t>{50, 20, 5, 5}));
  EXPECT_EQ(net.layers[4].weight_dims(), (std::vector<uint64_t>{500, 800}));
  EXPECT_EQ(net.outputs(), 10u);
  EXPECT_EQ(network_text(net), kLeNet5);
}

TEST(NetworkText, EveryOption) {
  const Network net =
      with_layers(R"("conv a 8 3x5 stride 2 pad 2 dilation 2 groups 4","avgpool 3 stride 1 pad 1",)"
                  R"("maxpool 2 stride 3","relu","dropout 0.5","linear b 3")",
                  "[4,20,31]");
  const Layer& conv = net.layers[0];
  EXPECT_EQ(conv.op, Op::kConv);
  EXPECT_EQ(conv.weight_dims(), (std::vector<uint64_t>{8, 1, 3, 5}));
  EXPECT_EQ(conv.stride, 2u);
  EXPECT_EQ(conv.pad, 2u);
  EXPECT_EQ(conv.dilation, 2u);
  EXPECT_EQ(conv.groups, 4u);
  EXPECT_EQ(conv.out, (Shape{8, 10, 14}));           // (20 + 4 - 5) / 2 + 1, (31 + 4 - 9) / 2 + 1
  EXPECT_EQ(net.layers[1].out, (Shape{8, 10, 14}));  // (10 + 2 - 3) / 1 + 1
  EXPECT_EQ(net.layers[2].out, (Shape{8, 3, 5}));    // (10 - 2) / 3 + 1, (14 - 2) / 3 + 1
  EXPECT_EQ(net.layers[4].rate, 0.5);
  EXPECT_EQ(net.layers[5].weight_dims(), (std::vector<uint64_t>{3, 120}));
}

TEST(NetworkText, CanonicalFormLeavesOutSpacesDefaultsAndDropout) {
  const Network net = parse_network(
      R"( { "layers" : [ "dropout 0.2", "  conv  c  2 3x3  groups 1 pad 1 stride 1 dilation 1 ",)"
      R"( "avgpool 2 stride 2 pad 0", "maxpool 2 pad 1", "linear d 4" ],)"
      R"( "mean" : 0.0, "scale" : 1.0, "input" : [ 1, 8, 8 ] } )");
  const std::string text = network_text(net);
  EXPECT_EQ(text, R"({"input":[1,8,8],"layers":["conv c 2 3x3 pad 1","avgpool 2",)"
                  R"("maxpool 2 pad 1","linear d 4"]})");
  EXPECT_EQ(network_text(parse_network(text)), text);
}

TEST(NetworkText, FlatInputsAreOneNumber) {
  EXPECT_EQ(network_text(with_layers(R"("linear a 2")", "[5,1,1]")),
            R"({"input":[5],"layers":["linear a 2"]})");
  EXPECT_EQ(with_layers(R"("linear a 2")", "[5]").input, (Shape{5, 1, 1}));
}

TEST(NetworkText, NumbersComeBackExactly) {
  for (const double value : {0.1, 1.0 / 3, -2.5, 1e-30, 3e38, 0.3081, 1e10}) {
    Network net = with_layers(R"("linear a 2")", "[5]");
    net.scale = value;
    net.mean = -value;
    const Network again = parse_network(network_text(net));
    EXPECT_EQ(again, net) << network_text(net);
  }
}

TEST(NetworkText, BuiltInNetworks) {
  EXPECT_EQ(builtin_network_names(),
            (std::vector<std::string_view>{"lenet-300-100", "lenet-5", "mlp-4096"}));
  EXPECT_EQ(network_text(parse_network(builtin_network("lenet-5"))), kLeNet5);
  for (const std::string_view name : builtin_network_names()) {
    const Network net = parse_network(builtin_network(name));
    EXPECT_EQ(network_text(net) + "\n", builtin_network(name));
    EXPECT_EQ(net.input.size(), 784u);
    EXPECT_EQ(net.scale, 1.0 / 256);
    EXPECT_EQ(net.outputs(), 10u);
  }
  EXPECT_EQ(parse_network(builtin_network("mlp-4096")).layers[2].weight_dims(),
            (std::vector<uint64_t>{4096, 4096}));
  EXPECT_EQ(builtin_network("lenet"), "");
}

TEST(NetworkText, RefusesOtherJson) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "net.json: is not valid JSON"},
      {"[]", "net.json: is not a JSON object"},
      {"{}", "has no 'input'"},
      {R"({"input":[4]})", "has no 'layers'"},
      {R"({"input":[4],"layers":["linear a 2"],"mode":1})", "has the key 'mode'"},
      {R"({"input":[4],"input":[4],"layers":["linear a 2"]})", "twice"},
      {R"({"input":4,"layers":["linear a 2"]})", "'input' is not an array"},
      {R"({"input":[],"layers":["linear a 2"]})", "none of [size], [channels, length] and"},
      {R"({"input":[4,4,4,4],"layers":["linear a 2"]})", "none of [size], [channels, length] and"},
      {R"({"input":[0],"layers":["linear a 2"]})", "a zero in 'input'"},
      {R"({"input":[-1],"layers":["linear a 2"]})", "not an unsigned integer"},
      {R"({"input":[1.5],"layers":["linear a 2"]})", "not an unsigned integer"},
      {R"({"input":[67108865],"layers":["linear a 2"]})", "an input of more than 67108864 values"},
      {R"({"input":[4294967296,4294967296,1],"layers":["linear a 2"]})", "an input of more than"},
      {R"({"input":[4],"scale":0,"layers":["linear a 2"]})", "'scale' of zero"},
      {R"({"input":[4],"scale":1e-60,"layers":["linear a 2"]})", "'scale' of zero"},
      {R"({"input":[4],"scale":1e39,"layers":["linear a 2"]})", "'scale' that is not a number"},
      {R"({"input":[4],"mean":"0","layers":["linear a 2"]})", "'mean' that is not a number"},
      {R"({"input":[4],"mean":null,"layers":["linear a 2"]})", "'mean' that is not a number"},
      {R"({"input":[4],"layers":"linear a 2"})", "'layers' that are not an array"},
      {R"({"input":[4],"layers":[7]})", "layer 1 is not a string"},
      {R"({"input":[4],"layers":[]})", "has no linear and no conv layer"},
      {R"({"input":[4],"layers":["relu","dropout 0"]})", "has no linear and no conv layer"},
  };
  for (const auto& [text, words] : cases) {
    EXPECT_TOOL_ERROR(parse_network(text, "net.json"), kExitInvalid, words);
  }
  EXPECT_TOOL_ERROR(parse_network(std::string((1 << 20) + 1, ' ')), kExitInvalid, "is longer");
  std::string many = R"("linear a 4")";
  for (int i = 0; i < 1024; ++i) many += R"(,"relu")";
  EXPECT_TOOL_ERROR(with_layers(many, "[4]"), kExitInvalid, "more than 1024 layers");
}

TEST(NetworkText, RefusesOtherLayers) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "lacks an operation"},
      {"sigmoid", "starts with 'sigmoid', not linear"},
      {"Linear a 2", "starts with 'Linear'"},
      {"linear", "lacks a name"},
      {"linear a", "lacks its number of outputs"},
      {"linear a 0", "has '0' for its number of outputs, not a whole number from 1 to 67108864"},
      {"linear a -3", "has '-3' for its number of outputs"},
      {"linear a +3", "has '+3' for its number of outputs"},
      {"linear a 3.0", "has '3.0' for its number of outputs"},
      {"linear a 67108865", "has '67108865' for its number of outputs"},
      {"linear a 99999999999999999999", "for its number of outputs"},
      {"linear a 3 4", "goes on with '4'"},
      {"linear a\\tb 3", "has the name"},
      {"linear a\u00e9 3", "has the name"},
      {"linear a\\\" 3", "has the name"},
      {"conv a 3", "lacks the size of its kernel"},
      {"conv a 3 5", "not one such as 5x5"},
      {"conv a 3 5x", "has '' for the width of its kernel"},
      {"conv a 3 x5", "has '' for the height of its kernel"},
      {"conv a 3 0x5", "has '0' for the height of its kernel"},
      {"conv a 3 5x5x5", "has '5x5' for the width of its kernel"},
      {"conv a 3 5x5 stride", "lacks stride"},
      {"conv a 3 5x5 stride 0", "has '0' for stride"},
      {"conv a 3 5x5 stride 1 stride 1", "has stride twice"},
      {"conv a 3 5x5 padding 1", "has no option 'padding'"},
      {"conv a 3 29x1", "has a window of 29, larger than its input 2x28x28 with padding"},
      {"conv a 3 15x1 dilation 2 pad 0", "has a window of 29"},
      {"conv a 3 5x67108864 dilation 67108864", "has a window of"},
      {"conv a 3 5x5 groups 2", "has 2 groups, which do not divide 2 inputs and 3 outputs"},
      {"conv a 4 5x5 groups 4", "has 4 groups, which do not divide 2 inputs"},
      {"conv a 4 1x1 pad 67108864", "an output of more than 67108864 values"},
      {"conv a 67108864 1x1 stride 1", "an output of more than 67108864 values"},
      {"maxpool", "lacks the size of its window"},
      {"maxpool 2x2", "has '2x2' for the size of its window"},
      {"maxpool 29", "has a window of 29"},
      {"maxpool 2 dilation 2", "has no option 'dilation'"},
      {"avgpool 2 pad 2", "more padding than half its window"},
      {"avgpool 2 groups 1", "has no option 'groups'"},
      {"conv1d a 3", "lacks the size of its kernel"},
      {"conv1d a 3 5x5", "has '5x5' for the size of its kernel"},
      {"conv1d a 3 5", "has an input 2x28x28, which is not [channels, length]"},
      {"maxpool1d 2", "which is not [channels, length]"},
      {"maxpool1d 2 groups 1", "has no option 'groups'"},
      {"relu 1", "goes on with '1'"},
      {"dropout", "lacks its rate"},
      {"dropout 1", "has '1' for its rate, not a number from 0 to below 1"},
      {"dropout -0.1", "for its rate"},
      {"dropout nan", "for its rate"},
      {"dropout 0.5x", "for its rate"},
  };
  for (const auto& [layer, words] : cases) {
    EXPECT_TOOL_ERROR(with_layers("\"" + std::string(layer) + "\",\"linear z 2\"", "[2,28,28]"),
                      kExitInvalid, words);
  }
  EXPECT_TOOL_ERROR(with_layers(R"("linear a 3","linear a 3")"), kExitInvalid,
                    "layer 2 'linear a 3': has the name of a layer before it");
  EXPECT_TOOL_ERROR(with_layers(R"("linear a 67108864")"), kExitInvalid,
                    "has more than 4294967296 weights");
  EXPECT_TOOL_ERROR(with_layers("\"linear " + std::string(129, 'a') + " 3\""), kExitInvalid,
                    "has the name");
}

// Whatever stands in a file, the answer is a network or an Error, and a network's text is its own.
TEST(NetworkText, MutationsAreNetworksOrErrors) {
  const std::string base = kLeNet5;
  const std::string bytes = "0129 x\"[]{},:-.eE\\\xff";
  size_t good = 0;
  for (size_t at = 0; at < base.size(); ++at) {
    for (const char byte : bytes) {
      std::string text = base;
      text[at] = byte;
      try {
        const Network net = parse_network(text);
        const std::string canonical = network_text(net);
        EXPECT_EQ(network_text(parse_network(canonical)), canonical);
        ++good;
      } catch (const Error& error) {
        EXPECT_EQ(error.exit_code, kExitInvalid) << error.what();
      }
    }
  }
  EXPECT_GT(good, 50u);
}

}  // namespace
}  // namespace dcf::tools::test
