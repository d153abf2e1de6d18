// SPDX-License-Identifier: Apache-2.0
// The weightsManifest of a TensorFlow.js model: groups of tensors, each group one stretch of bytes
// that is split over weight files ("shards"). It is a member of model.json, or all of a
// weights_manifest.json.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "formats/tensor_meta.h"

namespace dcf::tools {

// Of stored words of the type `stored`, which stand for values of the type that the manifest calls
// `dtype`: word * scale + min, or the number itself where the words are floats.
struct TfjsQuantization {
  dcf_dtype stored = DCF_DTYPE_NONE;
  std::string dtype;
  double scale = 1;
  double min = 0;
};

struct TfjsWeight {
  TensorMeta meta;  // as it is stored; for strings the number of bytes is not known yet
  std::optional<TfjsQuantization> quantization;
  bool is_string = false;  // each one a u32 length and its bytes
  std::string type;        // what the manifest calls it, where meta has another type; for layouts
};

struct TfjsGroup {
  std::vector<std::string> paths;  // relative to the folder of model.json, as the manifest has them
  std::vector<TfjsWeight> weights;
};

// Of a model.json or a manifest alone. Throws Error. Adds metadata for what tensors cannot express:
// quantisation and shapes of string tensors.
std::vector<TfjsGroup> parse_tfjs_manifest(const std::string& file, const nlohmann::json& root,
                                           std::map<std::string, std::string>* metadata);

}  // namespace dcf::tools
