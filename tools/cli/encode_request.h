// SPDX-License-Identifier: Apache-2.0
// What the command line says of how a model is encoded: the options that `compress` and `plan`
// share.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/encode_plan.h"

namespace dcf::tools {

struct EncodeRequest {
  EncodeChoice choice;
  std::string recipe;   // path, or empty
  std::string quality;  // level, dB or "auto", or empty
  bool lossless = false;
  bool dequantize = false;
  bool no_exact_file = false;

  // The plan, with the recipe read. Throws UsageError for a contradiction, and Error.
  EncodePlan plan() const;
  // Whether the quality is to be found by trying.
  bool seeks_quality() const { return quality == "auto"; }
  // What a user should know of the model before it is encoded so: what of its files is left out,
  // and that they do not come back themselves, where they were to.
  std::vector<std::string> notes_on(const ModelSource& source) const;

 private:
  double checked_quality() const;
  void check_rules(const EncodePlan& plan) const;
  void check_centroids(const EncodePlan& plan) const;
};

void add_encode_options(const Verb& verb, EncodeRequest* request);

// Binds the plan to the model. Tells on stderr, unless `quiet`, the notes on the model, what the
// recipe misses, and that a lossy plan loses; returns what the recipe misses.
std::vector<std::string> bind_and_warn(const ModelSource& source,
                                       const std::vector<std::string>& notes, EncodePlan* plan,
                                       bool quiet);

}  // namespace dcf::tools
