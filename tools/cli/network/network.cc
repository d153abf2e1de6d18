// SPDX-License-Identifier: Apache-2.0
#include "cli/network/network.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <set>
#include <span>

#include "cli/network/layer_text.h"
#include "formats/error.h"
#include "formats/json.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

using nlohmann::json;

constexpr size_t kMaxNetworkBytes = size_t{1} << 20;
constexpr size_t kMaxLayers = 1024;

void check_keys(const std::string& where, const json& root) {
  if (!root.is_object()) throw_invalid(where, "is not a JSON object");
  for (const auto& [key, value] : root.items()) {
    if (key != "input" && key != "scale" && key != "mean" && key != "layers") {
      throw_invalid(where, "has the key " + quote(key) + ", not input, scale, mean or layers");
    }
  }
}

Shape parse_input(const std::string& where, const json& root) {
  const std::vector<uint64_t> dims =
      json_dims(where, json_member(where, root, "input", "the network"), "'input'");
  if (dims.empty() || dims.size() > 3) {
    throw_invalid(
        where,
        "has an 'input' that is none of [size], [channels, length] and [channels, height, "
        "width]");
  }
  for (const uint64_t dim : dims) {
    if (dim == 0) throw_invalid(where, "has a zero in 'input'");
  }
  Shape shape{dims[0], 1, 1};
  if (dims.size() > 1) shape.width = dims.back();
  if (dims.size() > 2) shape.height = dims[1];
  check_shape(where, "an input", shape);
  return shape;
}

// Arithmetic on inputs is that of float, so the number must be one.
double parse_factor(const std::string& where, const json& root, const char* key, double absent) {
  const auto it = root.find(key);
  if (it == root.end()) return absent;
  if (!it->is_number() || !std::isfinite(static_cast<float>(it->get<double>()))) {
    throw_invalid(where, "has a '" + std::string(key) + "' that is not a number within float");
  }
  return it->get<double>();
}

std::vector<Layer> parse_layers(const std::string& where, const json& list, Shape shape) {
  if (!list.is_array()) throw_invalid(where, "has 'layers' that are not an array");
  if (list.size() > kMaxLayers) {
    throw_invalid(where, "has more than " + std::to_string(kMaxLayers) + " layers");
  }
  std::vector<Layer> layers;
  std::set<std::string> names;
  for (const json& entry : list) {
    const std::string number = "layer " + std::to_string(layers.size() + 1);
    const std::string& text = json_string(where, entry, number);
    const std::string at = where + ": " + number + " " + quote(text);
    Layer layer = parse_layer(at, text);
    infer_shapes(at, shape, &layer);
    if (layer.has_weights() && !names.insert(layer.name).second) {
      throw_invalid(at, "has the name of a layer before it");
    }
    shape = layer.out;
    layers.push_back(std::move(layer));
  }
  if (names.empty()) throw_invalid(where, "has no linear and no conv layer");
  return layers;
}

// The shortest digits that give the same number back; valid JSON for every finite one.
std::string number_text(double value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

std::string list_text(std::initializer_list<uint64_t> numbers) {
  std::string text;
  for (const uint64_t n : numbers) text += (text.empty() ? "" : ",") + std::to_string(n);
  return text;
}

}  // namespace

Network parse_network(std::string_view text, const std::string& where) {
  if (text.size() > kMaxNetworkBytes) {
    throw_invalid(where, "is longer than " + std::to_string(kMaxNetworkBytes) + " bytes");
  }
  JsonDocument document;
  parse_json(where, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, &document);
  const json& root = document.root();
  check_keys(where, root);
  Network network;
  network.input = parse_input(where, root);
  network.scale = parse_factor(where, root, "scale", network.scale);
  network.mean = parse_factor(where, root, "mean", network.mean);
  if (static_cast<float>(network.scale) == 0) throw_invalid(where, "has a 'scale' of zero");
  network.layers =
      parse_layers(where, json_member(where, root, "layers", "the network"), network.input);
  return network;
}

std::string network_text(const Network& network) {
  const Shape& in = network.input;
  const bool flat = in.height == 1 && in.width == 1;
  std::string text = "{\"input\":[";
  text += flat ? list_text({in.channels}) : list_text({in.channels, in.height, in.width});
  text += "]";
  if (network.scale != 1) text += ",\"scale\":" + number_text(network.scale);
  if (network.mean != 0) text += ",\"mean\":" + number_text(network.mean);
  text += ",\"layers\":[";
  bool first = true;
  for (const Layer& layer : network.layers) {
    if (layer.op == Op::kDropout) continue;  // does nothing but in training
    text += (first ? "\"" : ",\"") + layer_text(layer) + "\"";
    first = false;
  }
  return text + "]}";
}

}  // namespace dcf::tools
