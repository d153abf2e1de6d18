// SPDX-License-Identifier: Apache-2.0
#include "formats/net_source.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "formats/file_range.h"
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
constexpr uint64_t kGapBits = 4;
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

std::vector<Layer> read_layers(const std::string& path, const MemoryLimit& limit) {
  JsonDocument document;
  parse_json_file(InputFile(path), &document, limit);
  const json& root = document.root();
  if (!root.is_array() || root.empty() || root.size() > kMaxLayers) {
    throw_invalid(path, "is not a JSON array of 1 to " + std::to_string(kMaxLayers) + " layers");
  }
  std::vector<Layer> layers;
  for (const json& value : root) layers.push_back(read_layer(path, value));
  return layers;
}

// One number of 4 or 8 bits per entry, read in blocks; the low nibble of a byte comes first.
class PackedNumbers {
 public:
  PackedNumbers(const InputFile& file, uint64_t offset, uint64_t bytes, uint64_t bits)
      : file_(file), offset_(offset), left_(bytes), bits_(bits) {}

  // No more than the bytes hold.
  uint8_t next() {
    if (bits_ == 4 && high_nibble_) {
      high_nibble_ = false;
      return static_cast<uint8_t>(block_[at_ - 1] >> 4);
    }
    if (at_ == size_) refill();
    const uint8_t byte = block_[at_++];
    high_nibble_ = bits_ == 4;
    return bits_ == 4 ? byte & 15 : byte;
  }

 private:
  void refill() {
    size_ = static_cast<size_t>(std::min<uint64_t>(left_, block_.size()));
    file_.read_at(offset_, std::span(block_).first(size_));
    offset_ += size_;
    left_ -= size_;
    at_ = 0;
  }

  const InputFile& file_;
  uint64_t offset_;
  uint64_t left_;
  uint64_t bits_;
  bool high_nibble_ = false;  // of the byte before at_, not handed out yet
  size_t at_ = 0;
  size_t size_ = 0;
  std::array<uint8_t, 4096> block_{};
};

class WeightReader final : public TensorReader {
 public:
  WeightReader(const InputFile& file, const Layer& layer)
      : file_(file),
        layer_(layer),
        codebook_(file.read_range(layer.codebook_offset, layer.codebook_bytes())),
        codes_(file, layer.code_offset, layer.code_bytes(), layer.bits),
        gaps_(file, layer.gap_offset, layer.gap_bytes(), kGapBits) {
    // Entry 0 stands for "nothing here", so it has to be zero.
    if (std::any_of(codebook_.begin(), codebook_.begin() + kFloatBytes,
                    [](uint8_t byte) { return byte != 0; })) {
      throw_invalid(file_.path(),
                    "the codebook of layer " + quote(layer_.name) + " does not start with 0");
    }
    find_next();
  }

  void read(std::span<uint8_t> out) override {
    std::fill(out.begin(), out.end(), uint8_t{0});
    const uint64_t end = done_ + out.size() / kFloatBytes;
    while (position_ < end) {
      std::memcpy(&out[(position_ - done_) * kFloatBytes], &codebook_[codes_.next() * kFloatBytes],
                  kFloatBytes);
      ++position_;
      find_next();
    }
    done_ = end;
  }

 private:
  // Moves position_ to the next entry's element.
  void find_next() {
    if (taken_ == layer_.entries) {
      position_ = layer_.elements;
      return;
    }
    position_ += gaps_.next();
    if (position_ >= layer_.elements) {
      throw_invalid(file_.path(), "entry " + std::to_string(taken_) + " of layer " +
                                      quote(layer_.name) + " lies outside of it");
    }
    ++taken_;
  }

  const InputFile& file_;
  const Layer& layer_;
  std::vector<uint8_t> codebook_;
  PackedNumbers codes_;
  PackedNumbers gaps_;
  uint64_t taken_ = 0;     // entries whose gaps were read
  uint64_t position_ = 0;  // of the next entry, or the end of the layer
  uint64_t done_ = 0;      // elements handed out
};

class NetSource : public ModelSource {
 public:
  NetSource(InputFile file, std::vector<Layer> layers, const MemoryLimit& limit)
      : ModelSource(file.path(), limit), file_(std::move(file)), layers_(std::move(layers)) {
    format_ = "net";
    why_no_layout_ = "its layers are packed";
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
  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    const Layer& layer = layers_.at(i / 2);
    if (i % 2 == 1) return read_file_range(file_, layer.bias_offset);
    return std::make_unique<WeightReader>(file_, layer);
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

  InputFile file_;
  std::vector<Layer> layers_;
};

}  // namespace

std::unique_ptr<ModelSource> open_net_model(InputFile file, const std::string& layers_json,
                                            const MemoryLimit& limit) {
  return std::make_unique<NetSource>(std::move(file), read_layers(layers_json, limit), limit);
}

}  // namespace dcf::tools
