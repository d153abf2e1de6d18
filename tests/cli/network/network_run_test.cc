// SPDX-License-Identifier: Apache-2.0
// Networks run from a file against the plain definition of each layer; and files that do not fit
// their network.
#include <bit>
#include <cmath>
#include <dcf/dcf.hpp>
#include <functional>
#include <limits>
#include <random>

#include "cli/network/labels.h"
#include "cli/network/run.h"
#include "model_test_util.h"

namespace dcf::tools::test {
namespace {

using Values = std::vector<float>;

// The weights of a network by name, which also go into a file.
struct Weights {
  std::map<std::string, Values> values;
  std::map<std::string, std::vector<uint64_t>> dims;

  void add(const std::string& name, std::vector<uint64_t> shape, uint64_t seed) {
    uint64_t n = 1;
    for (const uint64_t dim : shape) n *= dim;
    std::mt19937_64 random(seed);
    Values& v = values[name];
    // Half of them zero; the rest of few bits, so that f16 and bf16 hold them.
    for (uint64_t i = 0; i < n; ++i) {
      v.push_back(random() % 2 == 0 ? 0
                                    : static_cast<float>(static_cast<int>(random() % 15) - 7) / 8);
    }
    dims[name] = std::move(shape);
  }
};

Weights random_weights(const Network& network) {
  Weights w;
  uint64_t seed = 1;
  for (const Layer& layer : network.layers) {
    if (!layer.has_weights()) continue;
    w.add(layer.name + ".weight", layer.weight_dims(), seed++);
    w.add(layer.name + ".bias", {layer.out.channels}, seed++);
  }
  return w;
}

void write_file(const std::string& path, const Weights& w, const std::string& network) {
  dcf::Writer writer = dcf::Writer::open(path).value();
  for (const auto& [name, values] : w.values) {
    writer.add<float>(name, values, w.dims.at(name)).value();
  }
  if (!network.empty()) writer.add_metadata(kNetworkKey, network).value();
  writer.finish().value();
}

// ---- the definition, one image at a time --------------------------------------------------------

float bias_of(const Layer& l, const Weights& w, uint64_t output) {
  const auto it = w.values.find(l.name + ".bias");
  return it == w.values.end() ? 0 : it->second[output];
}

Values linear(const Layer& l, const Weights& w, const Values& x) {
  Values y;
  for (uint64_t o = 0; o < l.out.channels; ++o) {
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      sum += double{w.values.at(l.name + ".weight")[o * x.size() + i]} * x[i];
    }
    y.push_back(static_cast<float>(sum) + bias_of(l, w, o));
  }
  return y;
}

// Calls use(index in the image, element of the window) for what window (oy, ox) sees of a channel.
void window(const Layer& l, uint64_t channel, uint64_t oy, uint64_t ox,
            const std::function<void(uint64_t at, uint64_t k)>& use) {
  for (uint64_t k = 0; k < l.kernel_h * l.kernel_w; ++k) {
    const auto y = static_cast<int64_t>(oy * l.stride + k / l.kernel_w * l.dilation) -
                   static_cast<int64_t>(l.pad_h());
    const auto x = static_cast<int64_t>(ox * l.stride + k % l.kernel_w * l.dilation) -
                   static_cast<int64_t>(l.pad);
    if (y < 0 || x < 0 || y >= static_cast<int64_t>(l.in.height) ||
        x >= static_cast<int64_t>(l.in.width)) {
      continue;
    }
    use((channel * l.in.height + static_cast<uint64_t>(y)) * l.in.width + static_cast<uint64_t>(x),
        k);
  }
}

Values conv(const Layer& l, const Weights& w, const Values& x) {
  Values y;
  const uint64_t ins = l.in.channels / l.groups;
  const uint64_t taps = l.kernel_h * l.kernel_w;
  for (uint64_t i = 0; i < l.out.size(); ++i) {
    const uint64_t o = i / (l.out.height * l.out.width);
    const uint64_t group = o / (l.out.channels / l.groups);
    double sum = 0;
    for (uint64_t c = 0; c < ins; ++c) {
      window(l, group * ins + c, i / l.out.width % l.out.height, i % l.out.width,
             [&](uint64_t at, uint64_t k) {
               sum += double{w.values.at(l.name + ".weight")[(o * ins + c) * taps + k]} * x[at];
             });
    }
    y.push_back(static_cast<float>(sum) + bias_of(l, w, o));
  }
  return y;
}

Values pool(const Layer& l, const Values& x) {
  Values y;
  for (uint64_t i = 0; i < l.out.size(); ++i) {
    float best = -std::numeric_limits<float>::infinity();
    double sum = 0;
    window(l, i / (l.out.height * l.out.width), i / l.out.width % l.out.height, i % l.out.width,
           [&](uint64_t at, uint64_t) {
             best = std::max(best, x[at]);
             sum += x[at];
           });
    y.push_back(l.op == Op::kMaxPool
                    ? best
                    : static_cast<float>(sum / static_cast<double>(l.kernel_h * l.kernel_w)));
  }
  return y;
}

Values reference(const Network& network, const Weights& w, Values x) {
  for (float& v : x) v = (v - static_cast<float>(network.mean)) * static_cast<float>(network.scale);
  for (const Layer& l : network.layers) {
    if (l.op == Op::kLinear) x = linear(l, w, x);
    if (l.op == Op::kConv) x = conv(l, w, x);
    if (l.op == Op::kMaxPool || l.op == Op::kAvgPool) x = pool(l, x);
    if (l.op == Op::kRelu) {
      for (float& v : x) v = std::max(v, 0.0F);
    }
  }
  return x;
}

Values pixels(uint64_t n) {
  const Bytes bytes = noise(n, 3);
  return {bytes.begin(), bytes.end()};
}

class NetworkRun : public ::testing::Test {
 protected:
  DcfFile open(const Weights& w, const std::string& network, const OpenHints& hints = {}) {
    const std::string path = dir_.path("net" + std::to_string(files_++) + ".dcf");
    write_file(path, w, network);
    return {path, hints};
  }
  TempDir dir_;
  int files_ = 0;
};

TEST_F(NetworkRun, EveryLayerAsDefined) {
  for (const char* layers : {
           R"("linear a 5")",
           R"("linear a 5","relu","linear b 3","dropout 0.5","relu","linear c 4")",
           R"("conv a 4 3x2","relu","maxpool 2","linear b 3")",
           R"("conv a 6 3x3 stride 2 pad 2 dilation 2 groups 2","avgpool 3 stride 1 pad 1")",
           R"("avgpool 2","conv a 2 1x1","maxpool 3 stride 2 pad 1","conv b 4 2x2 pad 1 groups 2")",
       }) {
    const Network network = parse_network(
        std::string(R"({"input":[2,9,8],"scale":0.03125,"mean":127.5,"layers":[)") + layers + "]}");
    const Weights w = random_weights(network);
    const DcfFile file = open(w, network_text(network));
    const Network stored = read_network(file);
    for (const uint64_t batch : {0, 1, 5}) {
      const Values x = pixels(batch * 144);
      const Values y = run_network(file, stored, x, batch);
      Values expected;
      for (uint64_t b = 0; b < batch; ++b) {
        const Values one = reference(network, w, {x.begin() + b * 144, x.begin() + (b + 1) * 144});
        expected.insert(expected.end(), one.begin(), one.end());
      }
      EXPECT_EQ(y, expected) << layers;
    }
  }
}

TEST_F(NetworkRun, LayersOfOneDimensionAsDefined) {
  for (const char* layers : {
           R"("conv1d a 4 3")",
           R"("conv1d a 6 5 stride 3 pad 2","relu","maxpool1d 2","conv1d b 3 1","linear c 4")",
           R"("conv1d a 6 3 pad 4 dilation 4 groups 2","avgpool1d 3 stride 2 pad 1")",
           R"("maxpool1d 3 stride 1 pad 1","conv1d a 2 72","relu","linear b 2")",
       }) {
    const Network network = parse_network(
        std::string(R"({"input":[2,72],"scale":0.03125,"mean":127.5,"layers":[)") + layers + "]}");
    EXPECT_EQ(network.layers[0].in, (Shape{2, 1, 72}));
    const Weights w = random_weights(network);
    const Values x = pixels(144);
    const Values expected = reference(network, w, x);
    const std::string text = network_text(network);
    EXPECT_EQ(parse_network(text), network) << text;
    const DcfFile file = open(w, text);
    EXPECT_EQ(run_network(file, read_network(file), x, 1), expected) << layers;
  }
}

TEST_F(NetworkRun, LayersWithoutABias) {
  const std::string text =
      R"({"input":[2,9,8],"layers":["conv a 3 3x3","relu","linear b 4","linear c 2"]})";
  const Network network = parse_network(text);
  Weights w = random_weights(network);
  for (const char* const name : {"a.bias", "c.bias"}) {
    w.values.erase(name);
    w.dims.erase(name);
  }
  const Values x = pixels(144);
  const Values expected = reference(network, w, x);
  EXPECT_EQ(run_network(open(w, text), network, x, 1), expected);
}

// The layers do not fit in half of the memory limit once they are packed.
TEST_F(NetworkRun, LayersThatAreNotPackedNeedNoBiasEither) {
  for (const char* const text : {R"({"input":[2048],"layers":["linear a 512"]})",
                                 R"({"input":[64,72],"layers":["conv1d a 256 64 pad 1"]})"}) {
    const Network network = parse_network(text);
    Weights w = random_weights(network);
    w.values.erase("a.bias");
    w.dims.erase("a.bias");
    const Values x = pixels(network.input.size());
    const DcfFile file = open(w, text, {.max_memory = 8'000'000});
    EXPECT_EQ(run_network(file, network, x, 1), reference(network, w, x));
  }
}

// AlexNet's layers with fewer channels, and blocks of VGG's.
TEST_F(NetworkRun, LargeImageNets) {
  for (const char* text : {
           R"({"input":[3,67,67],"scale":0.00390625,"layers":["conv conv1 8 11x11 stride 4","relu",
               "maxpool 3 stride 2","conv conv2 16 5x5 pad 2 groups 2","relu","maxpool 3 stride 2",
               "conv conv3 24 3x3 pad 1","relu","conv conv4 24 3x3 pad 1 groups 2","relu",
               "conv conv5 16 3x3 pad 1 groups 2","relu","linear fc6 4096","relu","dropout 0.5",
               "linear fc7 64","relu","linear fc8 10"]})",
           R"({"input":[3,32,32],"scale":0.00390625,"layers":["conv conv1_1 8 3x3 pad 1","relu",
               "conv conv1_2 8 3x3 pad 1","relu","maxpool 2","conv conv2_1 16 3x3 pad 1","relu",
               "conv conv2_2 16 3x3 pad 1","relu","maxpool 2","linear fc6 256","relu",
               "linear fc7 256","relu","linear fc8 10"]})",
       }) {
    const Network network = parse_network(text);
    const Weights w = random_weights(network);
    const DcfFile file = open(w, network_text(network));
    constexpr uint64_t kBatch = 2;
    const uint64_t inputs = network.input.size();
    const Values x = pixels(kBatch * inputs);
    Values expected = reference(network, w, {x.begin(), x.begin() + inputs});
    const Values second = reference(network, w, {x.begin() + inputs, x.end()});
    expected.insert(expected.end(), second.begin(), second.end());
    float largest = 0;
    for (const float v : expected) largest = std::max(largest, std::abs(v));
    for (const uint64_t batch : {uint64_t{1}, kBatch}) {
      const Values y = run_network(file, network, {x.data(), batch * inputs}, batch);
      ASSERT_EQ(y.size(), batch * 10);
      for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], expected[i], 1e-5 * largest) << i;
    }
  }
}

// The sums of these weights and pixels are exact, so slices must not change a bit.
TEST_F(NetworkRun, LittleMemoryAndAnyThreadsGiveTheSame) {
  const std::string text = R"({"input":[3,12,12],"layers":["conv a 8 3x3","relu","linear b 10"]})";
  const Network network = parse_network(text);
  const Weights w = random_weights(network);
  const Values x = pixels(40 * 432);
  const Values y = run_network(open(w, text), network, x, 40);
  for (const uint32_t threads : {1u, 3u}) {
    const DcfFile small = open(w, text, {.max_memory = 600000, .threads = threads});
    EXPECT_EQ(run_network(small, network, x, 40), y);
  }
  const DcfFile tiny = open(w, text, {.max_memory = 4000});
  EXPECT_TOOL_ERROR(run_network(tiny, network, x, 40), kExitInvalid, "more than the memory limit");
}

TEST_F(NetworkRun, BiasesOfHalfPrecision) {
  const Network network = parse_network(R"({"input":[4],"layers":["linear a 3"]})");
  const Weights w = random_weights(network);
  const Values bias = {0.5F, -1.25F, 3};
  const std::vector<uint64_t> dims = {3};
  const auto with_bias = [&](dcf_dtype dtype, const std::vector<uint16_t>& words) {
    const std::string path = dir_.path(dcf_dtype_name(dtype));
    dcf::Writer writer = dcf::Writer::open(path).value();
    writer.add<float>("a.weight", w.values.at("a.weight"), w.dims.at("a.weight")).value();
    writer
        .add_bytes(dcf::tensor_spec("a.bias", dtype, dims),
                   {reinterpret_cast<const uint8_t*>(words.data()), words.size() * 2})
        .value();
    writer.finish().value();
    return DcfFile(path, {});
  };
  Weights f32 = w;
  f32.values["a.bias"] = bias;
  const Values x = pixels(4);
  const Values expected = reference(network, f32, x);
  EXPECT_EQ(run_network(with_bias(DCF_DTYPE_F16, {0x3800, 0xbd00, 0x4200}), network, x, 1),
            expected);
  EXPECT_EQ(run_network(with_bias(DCF_DTYPE_BF16, {0x3f00, 0xbfa0, 0x4040}), network, x, 1),
            expected);
  EXPECT_TOOL_ERROR(run_network(with_bias(DCF_DTYPE_U16, {1, 2, 3}), network, x, 1), kExitFailure,
                    "has 'a.bias' of dtype u16, not f32, f16 or bf16");
}

TEST_F(NetworkRun, SaysWhatDoesNotFit) {
  const std::string text = R"({"input":[4],"layers":["linear a 3"]})";
  const Network network = parse_network(text);
  const Weights good = random_weights(network);
  EXPECT_NO_THROW(read_network(open(good, text)));
  EXPECT_TOOL_ERROR(read_network(open(good, "")), kExitInvalid,
                    "carries no network: it lacks the metadata 'dcf.network'");
  EXPECT_TOOL_ERROR(read_network(open(good, "{")), kExitInvalid, "dcf.network: is not valid JSON");
  EXPECT_TOOL_ERROR(read_network(open(good, R"({"input":[4],"layers":["linear b 3"]})")),
                    kExitInvalid, "lacks the tensor 'b.weight' of its network");
  EXPECT_TOOL_ERROR(read_network(open(good, R"({"input":[5],"layers":["linear a 3"]})")),
                    kExitInvalid, "has 'a.weight' of shape [3, 4], where its network needs [3, 5]");
  Weights bad = good;
  bad.dims["a.bias"] = {3, 1};
  EXPECT_TOOL_ERROR(read_network(open(bad, text)), kExitInvalid,
                    "has 'a.bias' of shape [3, 1], where its network needs [3]");
  const DcfFile file = open(good, text);
  for (const size_t size : {3, 5, 8}) {
    EXPECT_TOOL_ERROR(run_network(file, network, pixels(size), 1), kExitFailure, "takes 4 values");
  }
}

TEST(Labels, TheFirstOfEqualCountsAndNanIsWrong) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Values y = {1, 3, 2, 5, 5, 1, nan, 1, 0, nan, nan, nan, -2, -1, -3};
  EXPECT_EQ(count_wrong(y, 3, Bytes{1, 0, 1, 0, 1}), 2u);
  EXPECT_EQ(count_wrong(y, 3, Bytes{0, 1, 1, 0, 2}), 5u);
  EXPECT_EQ(count_wrong({}, 3, {}), 0u);
}

}  // namespace
}  // namespace dcf::tools::test
