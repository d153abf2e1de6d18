// SPDX-License-Identifier: Apache-2.0
// A feed-forward network as text. The same grammar describes it in a user's file and, as the
// metadata "dcf.network", in the .dcf file that holds its weights:
//
//   {"input":[1,28,28],"scale":0.00390625,"mean":0,
//    "layers":["conv conv1 20 5x5","maxpool 2","linear ip1 500","relu","linear ip2 10"]}
//
// "input" is [size], [channels, length] or [channels, height, width]; "scale" (1) and "mean" (0)
// may be left out. Layers:
//   linear NAME OUT
//   conv NAME OUT KHxKW [stride S] [pad P] [dilation D] [groups G]
//   maxpool K [stride S] [pad P]      avgpool K [stride S] [pad P]      (stride K if left out)
//   conv1d NAME OUT K [stride S] [pad P] [dilation D] [groups G]
//   maxpool1d, avgpool1d as maxpool, avgpool
//   relu      dropout RATE
// linear takes whatever comes in as one row. Layers of names that end in 1d take [channels,
// length], an image of height 1. Weights are NAME.weight, [out, in], [out, in / groups, kh, kw] or,
// of conv1d, [out, in / groups, k]. NAME.bias, [out], may be missing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dcf::tools {

inline constexpr const char* kNetworkKey = "dcf.network";

struct Shape {
  uint64_t channels = 1;
  uint64_t height = 1;
  uint64_t width = 1;

  uint64_t size() const { return channels * height * width; }
  bool operator==(const Shape&) const = default;
};

enum class Op { kLinear, kConv, kMaxPool, kAvgPool, kRelu, kDropout };

// What an operation has no use for keeps its default. The outputs of linear and conv are
// out.channels. The operations of one dimension are those of two on images of height 1.
struct Layer {
  Op op = Op::kRelu;
  bool one_d = false;  // conv1d, maxpool1d, avgpool1d
  std::string name;
  uint64_t kernel_h = 1;
  uint64_t kernel_w = 1;
  uint64_t stride = 1;
  uint64_t pad = 0;
  uint64_t dilation = 1;
  uint64_t groups = 1;
  double rate = 0;  // of dropout
  Shape in;
  Shape out;

  uint64_t pad_h() const { return one_d ? 0 : pad; }
  bool has_weights() const { return op == Op::kLinear || op == Op::kConv; }
  // The shape of NAME.weight.
  std::vector<uint64_t> weight_dims() const;
  bool operator==(const Layer&) const = default;
};

struct Network {
  Shape input;
  double scale = 1;  // the first layer sees (raw - mean) * scale
  double mean = 0;
  std::vector<Layer> layers;  // at least one of them has weights

  uint64_t outputs() const { return layers.back().out.size(); }
  bool operator==(const Network&) const = default;
};

// Throws Error, whose one sentence starts with `where`, for anything that breaks the grammar, does
// not fit together, or is too large to be meant. Shapes of the result are filled in and their
// products, with the sizes of all weights, fit far into 64 bits.
Network parse_network(std::string_view json, const std::string& where = "network");

// The shortest text of the same network, as it is stored: no spaces, no defaults, no dropout.
std::string network_text(const Network& network);

// Networks that come with the program. Empty where there is none of this name.
std::string_view builtin_network(std::string_view name);
std::vector<std::string_view> builtin_network_names();

}  // namespace dcf::tools
