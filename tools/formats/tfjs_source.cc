// SPDX-License-Identifier: Apache-2.0
// TensorFlow.js: model.json and its weight files. The weights and the model's strings are carried;
// modelTopology, the graph that uses them, is not.
#include <array>
#include <filesystem>
#include <utility>

#include "formats/le_bytes.h"
#include "formats/file_sources.h"
#include "formats/json.h"
#include "formats/shard_reader.h"
#include "formats/text.h"
#include "formats/tfjs_manifest.h"

namespace dcf::tools {
namespace {

using nlohmann::json;

constexpr const char* kCarriedFields[] = {"format", "generatedBy", "convertedBy",
                                          "userDefinedMetadata"};
constexpr uint64_t kStringLengthBytes = 4;

class TfjsSource : public ModelSource {
 public:
  explicit TfjsSource(const InputFile& file) : path_(file.path()), file_total_(file.size()) {
    if (file.size() > kMaxJsonBytes) throw_invalid(path_, "is too large for a model.json");
    const json root = parse_json(path_, file.read_range(0, file.size()), "modelTopology");
    if (!root.is_object()) throw_invalid(path_, "is not a JSON object");
    for (const char* field : kCarriedFields) {
      const auto it = root.find(field);
      if (it == root.end() || it->is_null()) continue;
      metadata_[std::string("tfjs.") + field] =
          it->is_string() ? it->get<std::string>() : it->dump();
    }
    for (TfjsGroup& group : parse_tfjs_manifest(path_, root, &metadata_)) {
      add_group(std::move(group));
    }
    check_tensor_list(path_, tensors_);
    file_bytes_ = file_total_;
  }

  std::vector<uint8_t> read(size_t i) const override {
    const Place& place = places_.at(i);
    std::vector<uint8_t> bytes = make_buffer(path_, tensors_.at(i).bytes());
    ShardReader reader(groups_[place.group]);
    reader.read_at(place.offset, bytes);
    return bytes;
  }

 private:
  struct Place {
    size_t group = 0;
    uint64_t offset = 0;
  };

  void add_group(TfjsGroup group) {
    ShardList shards;
    const std::filesystem::path directory = std::filesystem::path(path_).parent_path();
    for (const std::string& path : group.paths) {
      InputFile shard((directory / path).string());
      if (__builtin_add_overflow(file_total_, shard.size(), &file_total_)) {
        throw_invalid(path_, "has weight files of more than 2^64 bytes");
      }
      shards.add(shard.path(), shard.size());
    }

    ShardReader reader(shards);
    uint64_t offset = 0;
    for (TfjsWeight& weight : group.weights) {
      if (weight.is_string) measure_strings(&weight.meta, shards.bytes() - offset, offset, &reader);
      const uint64_t bytes = weight.meta.bytes();
      if (bytes > shards.bytes() - offset) {
        throw_invalid(path_, "weight " + quote(weight.meta.name) +
                                 " ends after the last byte of its weight files");
      }
      places_.push_back({.group = groups_.size(), .offset = offset});
      tensors_.push_back(std::move(weight.meta));
      offset += bytes;
    }
    if (offset != shards.bytes()) {
      throw_invalid(path_, "has weight files of " + std::to_string(shards.bytes()) +
                               " bytes for weights of " + std::to_string(offset) + " bytes");
    }
    groups_.push_back(std::move(shards));
  }

  // Makes the tensor a row of as many bytes as the strings and their lengths take.
  void measure_strings(TensorMeta* meta, uint64_t room, uint64_t offset, ShardReader* reader) {
    const std::string what = "string weight " + quote(meta->name);
    const uint64_t count = meta->elements();
    if (count > room / kStringLengthBytes) throw_invalid(path_, what + " is cut off");
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < count; ++i) {
      std::array<uint8_t, kStringLengthBytes> field{};
      if (room - bytes < kStringLengthBytes) throw_invalid(path_, what + " is cut off");
      reader->read_at(offset + bytes, field);
      bytes += kStringLengthBytes;
      const uint64_t length = load_le<uint32_t>(field.data());
      if (length > room - bytes) throw_invalid(path_, what + " is cut off");
      bytes += length;
    }
    meta->dims = {bytes};
  }

  std::string path_;
  uint64_t file_total_ = 0;
  std::vector<ShardList> groups_;
  std::vector<Place> places_;  // one per tensor
};

}  // namespace

std::unique_ptr<ModelSource> open_tfjs_model(InputFile file) {
  return std::make_unique<TfjsSource>(file);
}

}  // namespace dcf::tools
