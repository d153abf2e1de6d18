// SPDX-License-Identifier: Apache-2.0
#include "formats/tfjs_manifest.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "formats/error.h"
#include "formats/json.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

using nlohmann::json;

struct TfjsDtype {
  const char* name;
  dcf_dtype dtype;
};
constexpr TfjsDtype kTfjsDtypes[] = {
    {"float32", DCF_DTYPE_F32}, {"float16", DCF_DTYPE_F16}, {"int32", DCF_DTYPE_I32},
    {"int16", DCF_DTYPE_I16},   {"int8", DCF_DTYPE_I8},     {"uint16", DCF_DTYPE_U16},
    {"uint8", DCF_DTYPE_U8},    {"bool", DCF_DTYPE_BOOL},   {"complex64", DCF_DTYPE_C64}};
constexpr const char* kStringDtype = "string";
constexpr std::string_view kScale = "scale";
constexpr std::string_view kMin = "min";

dcf_dtype find_tfjs_dtype(const std::string& file, const std::string& what,
                          const std::string& name) {
  const auto* const it = std::find_if(std::begin(kTfjsDtypes), std::end(kTfjsDtypes),
                                      [&](const TfjsDtype& dtype) { return name == dtype.name; });
  if (it == std::end(kTfjsDtypes)) {
    throw_failure(file, what + " has the dtype " + quote(name) + ", which is not supported");
  }
  return it->dtype;
}

class ManifestParser {
 public:
  ManifestParser(const std::string& file, std::map<std::string, std::string>* metadata)
      : file_(file), metadata_(metadata) {}

  TfjsGroup parse_group(const json& value) {
    TfjsGroup group;
    const json& paths = json_member(file_, value, "paths", "a weight group");
    const json& weights = json_member(file_, value, "weights", "a weight group");
    if (!paths.is_array() || !weights.is_array()) {
      throw_invalid(file_, "a weight group has no arrays 'paths' and 'weights'");
    }
    for (const json& path : paths) {
      group.paths.push_back(json_string(file_, path, "the path of a weight file"));
      // Used twice, small files could stand for a model of any size.
      if (!seen_paths_.insert(group.paths.back()).second) {
        throw_invalid(file_, "names the weight file " + quote(group.paths.back()) + " twice");
      }
    }
    for (const json& weight : weights) group.weights.push_back(parse_weight(weight));
    return group;
  }

 private:
  TfjsWeight parse_weight(const json& value) {
    const std::string& name =
        json_string(file_, json_member(file_, value, "name", "a weight"), "the name of a weight");
    const std::string what = "weight " + quote(name);
    const std::string& dtype_name =
        json_string(file_, json_member(file_, value, "dtype", what), "the dtype of " + what);
    const json& shape = json_member(file_, value, "shape", what);
    std::vector<uint64_t> dims = json_dims(file_, shape, "the shape of " + what);
    const auto quantization = value.find("quantization");

    TfjsWeight weight;
    weight.is_string = dtype_name == kStringDtype;
    dcf_dtype dtype = DCF_DTYPE_U8;
    if (quantization != value.end()) {
      if (weight.is_string) throw_invalid(file_, what + " is a string with quantization");
      weight.quantization = parse_quantization(*quantization, name, dtype_name);
      dtype = weight.quantization->stored;
      weight.type = dtype_name + " quantized";
    } else if (weight.is_string) {
      (*metadata_)["tfjs.string." + name] = shape.dump();
      weight.type = "string " + shape.dump();
    } else {
      dtype = find_tfjs_dtype(file_, what, dtype_name);
    }
    weight.meta = make_meta(file_, name, dtype, std::move(dims));
    return weight;
  }

  // The stored integers are kept, and how to map them to numbers becomes metadata.
  TfjsQuantization parse_quantization(const json& value, const std::string& name,
                                      const std::string& dtype_name) {
    const std::string what = "the quantization of weight " + quote(name);
    const std::string& stored =
        json_string(file_, json_member(file_, value, "dtype", what), what + " dtype");
    if (stored != "uint8" && stored != "uint16" && stored != "float16") {
      throw_failure(file_, what + " uses the dtype " + quote(stored) + ", which is not supported");
    }
    TfjsQuantization result;
    result.dtype = dtype_name;
    result.stored = find_tfjs_dtype(file_, what, stored);
    json kept = {{"dtype", dtype_name}};
    for (const std::string_view key : {kScale, kMin}) {
      if (stored == "float16" && !value.contains(key)) continue;
      const json& number = json_member(file_, value, key.data(), what);
      if (!number.is_number() || !std::isfinite(number.get<double>())) {
        throw_invalid(file_, what + " has a " + std::string(key) + " that is no number");
      }
      kept[std::string(key)] = number;
      // The words of float16 are the numbers themselves, whatever stands beside them.
      if (stored != "float16") (key == kScale ? result.scale : result.min) = number.get<double>();
    }
    const auto original = value.find("original_dtype");
    if (original != value.end()) {
      kept["original_dtype"] = json_string(file_, *original, what + " original_dtype");
    }
    (*metadata_)["tfjs.quantization." + name] = kept.dump();
    return result;
  }

  const std::string& file_;
  std::map<std::string, std::string>* metadata_;
  std::unordered_set<std::string> seen_paths_;
};

}  // namespace

std::vector<TfjsGroup> parse_tfjs_manifest(const std::string& file, const json& root,
                                           std::map<std::string, std::string>* metadata) {
  const json* manifest = &root;
  if (!root.is_array()) {
    if (!root.is_object()) throw_invalid(file, "is JSON but no model: it is no object");
    const auto it = root.find("weightsManifest");
    if (it == root.end() || !it->is_array()) {
      throw_invalid(
          file,
          "is JSON but no model: it has no array 'weightsManifest' (TensorFlow.js) and no "
          "'weight_map' (sharded safetensors)");
    }
    manifest = &*it;
  }
  ManifestParser parser(file, metadata);
  std::vector<TfjsGroup> groups;
  for (const json& group : *manifest) groups.push_back(parser.parse_group(group));
  return groups;
}

}  // namespace dcf::tools
