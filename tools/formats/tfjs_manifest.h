// SPDX-License-Identifier: Apache-2.0
// The weightsManifest of a TensorFlow.js model.json: groups of tensors, each group one stretch of
// bytes that is split over weight files ("shards").
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "formats/tensor_meta.h"

namespace dcf::tools {

struct TfjsWeight {
  TensorMeta meta;         // for strings the number of bytes is not known yet
  bool is_string = false;  // each one a u32 length and its bytes
};

struct TfjsGroup {
  std::vector<std::string> paths;  // relative to the folder of model.json, as the manifest has them
  std::vector<TfjsWeight> weights;
};

// Adds metadata for what tensors cannot express: quantisation and shapes of string tensors.
std::vector<TfjsGroup> parse_tfjs_manifest(const std::string& file, const nlohmann::json& root,
                                           std::map<std::string, std::string>* metadata);

}  // namespace dcf::tools
