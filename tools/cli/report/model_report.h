// SPDX-License-Identifier: Apache-2.0
// What `dcf report` tells of a .dcf file: where its bytes are, what each tensor lost against the
// model it came from, how weights, codes and gaps are distributed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/common_options.h"
#include "cli/difference.h"
#include "cli/symbol_counts.h"
#include "formats/dcf_file.h"

namespace dcf::tools {

struct ReportedTensor {
  std::string name, dtype, shape, encoding;
  uint64_t elements = 0;
  uint64_t nonzeros = 0;
  uint64_t dense_bytes = 0;
  uint32_t codebook_size = 0;
  dcf_tensor_bytes bytes{};
  std::string fidelity;
  double error_bound = 0;
  std::optional<Difference> difference;  // to the original, if there is one that can be compared
  std::string verdict;                   // of that comparison; empty: none was made
};

// Some elements of a tensor, as numbers. Both are empty where there is nothing to show.
struct WeightSample {
  std::string tensor;
  std::vector<double> decoded;
  std::vector<double> original;
};

struct TensorSymbols {
  std::string tensor;
  SymbolCounts counts;
};

struct ModelReport {
  std::string file;      // without its folder
  std::string original;  // of --original, without its folder; empty: none
  dcf_file_info info{};
  std::optional<std::string> made_from;  // file name and format
  uint64_t elements = 0;                 // of all tensors, aliases included
  std::vector<std::pair<std::string, std::string>> metadata;
  // The largest first, at most kMostRows; those left out in sum.
  std::vector<ReportedTensor> tensors;
  uint64_t others = 0;
  dcf_tensor_bytes other_bytes{};
  // Of the largest tensors that have any.
  std::vector<WeightSample> weights;
  std::vector<TensorSymbols> symbols;
  size_t missing = 0;   // tensors of the original that the file does not have, or the reverse
  size_t beyond = 0;    // tensors that are not as close to the original as the file says
  size_t compared = 0;  // tensors

  static constexpr size_t kMostRows = 1000;
};

// `original` may be empty. Decodes all tensors, in pieces. Throws Error.
ModelReport make_report(const std::string& path, const std::string& original,
                        const CommonOptions& common);

}  // namespace dcf::tools
