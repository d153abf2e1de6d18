// SPDX-License-Identifier: Apache-2.0
// The .net file published with Deep Compression: pruned, weight-shared layers, without names,
// shapes or checksums. Little-endian: u32 stored entries per layer; then for each layer its
// codebook (f32, 2^bits entries, the first is 0), its biases (f32, one per output), one code per
// entry and one 4-bit gap per entry, low nibble first. Entry i lies gap + 1 elements after the one
// before it in the flattened layer; an entry of gap 15 and code 0 only bridges a longer gap.
#include <algorithm>
#include <cstring>
#include <utility>

#include "formats/file_sources.h"
#include "formats/json.h"
#include "formats/le_bytes.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

using nlohmann::json;

constexpr uint64_t kDefaultBits = 8;
// The file cannot show that a layer is too large (trailing zeros take no space): a limit has to.
constexpr uint64_t kMaxLayerElements = uint64_t{1} << 30;
constexpr size_t kMaxLayers = 4096;
constexpr uint64_t kFloatBytes = sizeof(float);

struct Layer {
  std::string name;
  std::vector<uint64_t> dims;
  uint64_t bits = kDefaultBits;
  uint64_t elements = 0;
  uint64_t entries = 0;
  uint64_t codebook_offset = 0;
  uint64_t bias_offset = 0;
  uint64_t code_offset = 0;
  uint64_t gap_offset = 0;

  uint64_t codebook_bytes() const { return (uint64_t{1} << bits) * kFloatBytes; }
  uint64_t bias_bytes() const { return dims[0] * kFloatBytes; }
  uint64_t code_bytes() const { return (entries * bits + 7) / 8; }
  uint64_t gap_bytes() const { return entries / 2 + entries % 2; }
};

Layer read_layer(const std::string& file, const json& value) {
  Layer layer;
  layer.name = json_string(file, json_member(file, value, "name", "a layer"), "a layer's name");
  const std::string what = "layer " + quote(layer.name);
  layer.dims = json_dims(file, json_member(file, value, "shape", what), "the shape of " + what);
  if (value.contains("bits")) layer.bits = json_u64(file, value["bits"], "bits of " + what);
  if (layer.bits != 4 && layer.bits != 8) {
    throw_invalid(file, what + " has codes of " + std::to_string(layer.bits) + " bits, not 4 or 8");
  }
  const auto elements = checked_bits(layer.dims, 1);
  if (layer.dims.empty() || !elements || *elements > kMaxLayerElements ||
      layer.dims[0] > kMaxLayerElements) {
    throw_invalid(file, what + " has a shape of rank 0 or of more than " +
                            std::to_string(kMaxLayerElements) + " elements");
  }
  layer.elements = *elements;
  return layer;
}

std::vector<Layer> read_layers(const std::string& path) {
  const InputFile file(path);
  if (file.size() > kMaxJsonBytes) throw_invalid(path, "is too large for a list of layers");
  const json root = parse_json(path, file.read_range(0, file.size()));
  if (!root.is_array() || root.empty() || root.size() > kMaxLayers) {
    throw_invalid(path, "is not a JSON array of 1 to " + std::to_string(kMaxLayers) + " layers");
  }
  std::vector<Layer> layers;
  for (const json& value : root) layers.push_back(read_layer(path, value));
  return layers;
}

// The low nibble of a byte comes first.
uint8_t nibble(const std::vector<uint8_t>& bytes, uint64_t i) {
  return static_cast<uint8_t>((bytes[i / 2] >> (i % 2 * 4)) & 15);
}

class NetSource : public ModelSource {
 public:
  NetSource(InputFile file, std::vector<Layer> layers)
      : file_(std::move(file)), layers_(std::move(layers)) {
    file_bytes_ = file_.size();
    place_layers();
    for (const Layer& layer : layers_) {
      tensors_.push_back(
          make_meta(file_.path(), layer.name + ".weight", DCF_DTYPE_F32, layer.dims));
      tensors_.push_back(
          make_meta(file_.path(), layer.name + ".bias", DCF_DTYPE_F32, {layer.dims[0]}));
    }
    check_tensor_list(file_.path(), tensors_);
  }

  // Tensors alternate: weight and bias of each layer.
  std::vector<uint8_t> read(size_t i) const override {
    const Layer& layer = layers_.at(i / 2);
    if (i % 2 == 1) return file_.read_range(layer.bias_offset, layer.bias_bytes());
    return read_weight(layer);
  }

 private:
  uint64_t take(uint64_t bytes, uint64_t* position) const {
    const uint64_t begin = *position;
    if (bytes > file_.size() - begin) {
      throw_invalid(file_.path(),
                    "ends before its layers do (is the list of layers the right one?)");
    }
    *position += bytes;
    return begin;
  }

  void place_layers() {
    uint64_t position = 0;
    take(layers_.size() * sizeof(uint32_t), &position);
    const auto counts = file_.read_range(0, position);
    for (size_t i = 0; i < layers_.size(); ++i) {
      Layer& layer = layers_[i];
      layer.entries = load_le<uint32_t>(&counts[i * sizeof(uint32_t)]);
      if (layer.entries > layer.elements) {
        throw_invalid(file_.path(), "layer " + quote(layer.name) + " has " +
                                        std::to_string(layer.entries) + " entries for " +
                                        std::to_string(layer.elements) + " elements");
      }
      layer.codebook_offset = take(layer.codebook_bytes(), &position);
      layer.bias_offset = take(layer.bias_bytes(), &position);
      layer.code_offset = take(layer.code_bytes(), &position);
      layer.gap_offset = take(layer.gap_bytes(), &position);
    }
    if (position != file_.size()) {
      throw_invalid(file_.path(), "has " + std::to_string(file_.size() - position) +
                                      " bytes after its last layer");
    }
  }

  std::vector<uint8_t> read_weight(const Layer& layer) const {
    const auto codebook = file_.read_range(layer.codebook_offset, layer.codebook_bytes());
    const auto codes = file_.read_range(layer.code_offset, layer.code_bytes());
    const auto gaps = file_.read_range(layer.gap_offset, layer.gap_bytes());
    // Entry 0 stands for "nothing here", so it has to be zero.
    if (std::any_of(codebook.begin(), codebook.begin() + kFloatBytes,
                    [](uint8_t byte) { return byte != 0; })) {
      throw_invalid(file_.path(),
                    "the codebook of layer " + quote(layer.name) + " does not start with 0");
    }
    std::vector<uint8_t> weight = make_buffer(file_.path(), layer.elements * kFloatBytes);
    uint64_t position = 0;  // the first element after the entries so far
    for (uint64_t i = 0; i < layer.entries; ++i) {
      position += nibble(gaps, i);
      if (position >= layer.elements) {
        throw_invalid(file_.path(), "entry " + std::to_string(i) + " of layer " +
                                        quote(layer.name) + " lies outside of it");
      }
      const uint64_t code = layer.bits == 8 ? codes[i] : nibble(codes, i);
      std::memcpy(&weight[position * kFloatBytes], &codebook[code * kFloatBytes], kFloatBytes);
      ++position;
    }
    return weight;
  }

  InputFile file_;
  std::vector<Layer> layers_;
};

}  // namespace

std::unique_ptr<ModelSource> open_net_model(InputFile file, const std::string& layers_json) {
  return std::make_unique<NetSource>(std::move(file), read_layers(layers_json));
}

}  // namespace dcf::tools
