// SPDX-License-Identifier: Apache-2.0
// What the paper reports (Han, Mao, Dally, "Deep Compression", ICLR 2016): table 1 and the tables
// of layers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace dcf::tools {

struct PaperLayer {
  std::string_view name;
  std::vector<uint64_t> dims;  // of the weights, as Caffe has them
  double kept;                 // percent
  uint32_t weight_bits;        // before Huffman
  uint32_t index_bits;
  // After Huffman, and the layer's size in percent of float32. Empty: not quoted here.
  std::optional<double> weight_bits_coded;
  std::optional<double> index_bits_coded;
  std::optional<double> rate;

  uint64_t weights() const;
};

struct PaperNet {
  std::string_view title;
  // Of table 1. Empty: not in it.
  std::optional<double> dense_kb;
  std::optional<double> coded_kb;
  std::optional<double> rate;         // times smaller
  std::optional<double> dense_error;  // percent, top 1
  std::optional<double> coded_error;
  std::vector<PaperLayer> layers;
  std::string_view stands_for = {};  // whose the layers are, where they are another network's
};

const PaperNet& paper_lenet_300_100();
const PaperNet& paper_lenet_5();
const PaperNet& paper_alexnet();
// No network of the paper's: the one that can be trained here whose layers come closest to the
// linear ones of its AlexNet.
const PaperNet& paper_large_mlp();
const PaperNet& paper_vgg16();

}  // namespace dcf::tools
