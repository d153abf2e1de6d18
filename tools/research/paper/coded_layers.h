// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a compressed network are, layer by layer, as the paper's tables have it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/symbol_counts.h"
#include "formats/dcf_file.h"

namespace dcf::tools {

struct LayerMeasure {
  std::string name;  // of the tensor
  uint64_t weights = 0;
  uint64_t kept = 0;
  uint64_t entries = 0;  // kept and fillers
  uint32_t codebook = 0;
  uint32_t gap_bits = 0;
  dcf_tensor_bytes bytes{};
  SymbolCounts counts;

  double kept_percent() const;
  double weight_bits() const;  // of a code that is not Huffman coded
  double weight_bits_coded() const;
  double index_bits_coded() const;
  double rate() const;  // percent of float32
};

struct NetMeasure {
  std::vector<LayerMeasure> layers;  // tensors of at least two dimensions
  uint64_t file_bytes = 0;
  uint64_t dense_bytes = 0;

  // What is not weights, positions, codebooks or tables of the layers: biases, header, manifest.
  uint64_t other_bytes() const;
};

// `order`: names of layers, whose tensors end in ".weight"; others follow as in the file. With
// `histograms` the codes and gaps are counted, which decodes each layer.
NetMeasure measure_file(const DcfFile& file, const std::vector<std::string>& order,
                        bool histograms);

}  // namespace dcf::tools
