// SPDX-License-Identifier: Apache-2.0
// The report of `dcf train --reproduce paper`: what it holds, and its page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/page/page.h"
#include "research/paper/coded_layers.h"
#include "research/paper/experiments.h"
#include "research/paper/figures.h"

namespace dcf::tools {

struct SeedResult {
  uint64_t seed;
  double dense_error;  // percent of test images
  double error;        // the same, computed from the file
  uint64_t file_bytes;
};

// A network that was trained here.
struct TrainedNet {
  const PaperNet* paper = nullptr;
  std::vector<SeedResult> seeds;
  NetMeasure measure;  // of the first seed, with histograms
  double dense_validation_error = 0;
  std::vector<Curve> curves;
  std::vector<InitCurve> inits;
};

// A network of the paper's that was not trained here.
struct LargeNet {
  const PaperNet* paper = nullptr;
  NetMeasure measure;
  std::string origin;  // of a user's weights; empty: synthetic
  std::optional<double> score_before;
  std::optional<double> score_after;
};

struct Report {
  std::string data;  // name of the data set
  std::string recipe;
  std::vector<TrainedNet> trained;
  std::vector<LargeNet> large;
};

// Decimals, or a dash where there is no figure.
std::string text_of(const std::optional<double>& value, int decimals);

std::string render_report(const Report& report);

// Sections of the page.
void add_networks(const TrainedNet& net, html::Page* page);
void add_large_network(const LargeNet& net, html::Page* page);
void add_layer_table(const PaperNet& paper, const NetMeasure& measure, const std::string& caption,
                     html::Page* page);

}  // namespace dcf::tools
