// SPDX-License-Identifier: Apache-2.0
// `dcf train --reproduce paper`, without its command line. No LibTorch in this header.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace dcf::tools {

struct ReproduceOptions {
  std::string data;    // folder of the four idx files
  std::string output;  // folder, made if need be: report.html, the compressed files, what is done
  std::string recipe = "paper";
  std::vector<uint64_t> seeds = {1, 2, 3};
  // Fewer points of the curves, nothing fine-tuned that need not be, no large MLP.
  bool quick = false;
  int threads = 1;
  // A user's AlexNet or VGG-16 in the place of the synthetic one, and how to score a model file;
  // both may be empty.
  std::string weights;
  std::function<double(const std::string& path)> evaluate;
  // Told of steps done in a pass, and what is done, in one line; may be empty.
  std::function<void(const std::string& pass, uint64_t done, uint64_t total)> advance;
  std::function<void(const std::string& text)> line;
};

// Trains both LeNets for all seeds and the large MLP for the first, measures, and writes the
// report: once before the MLP, which takes longest, and once more at the end. What is done already
// in the output folder is not done again. Throws Error.
int reproduce(const ReproduceOptions& options);

}  // namespace dcf::tools
