// SPDX-License-Identifier: Apache-2.0
#include "formats/tfjs_source.h"

#include <array>
#include <filesystem>
#include <utility>

#include "formats/json.h"
#include "formats/le_bytes.h"
#include "formats/shard_reader.h"
#include "formats/text.h"
#include "formats/tfjs_manifest.h"

namespace dcf::tools {
namespace {

using nlohmann::json;

constexpr const char* kCarriedFields[] = {"format", "generatedBy", "convertedBy",
                                          "userDefinedMetadata"};
constexpr uint64_t kStringLengthBytes = 4;

class ShardRange final : public TensorReader {
 public:
  ShardRange(const ShardList& shards, uint64_t offset) : reader_(shards), offset_(offset) {}

  void read(std::span<uint8_t> out) override {
    reader_.read_at(offset_, out);
    offset_ += out.size();
  }

 private:
  ShardReader reader_;
  uint64_t offset_;
};

class TfjsSource : public ModelSource {
 public:
  TfjsSource(const InputFile& file, const MemoryLimit& limit)
      : ModelSource(file.path(), limit),
        folder_(std::filesystem::path(file.path()).parent_path().string(), file.path()),
        file_total_(file.size()) {
    JsonDocument document;
    parse_json_file(file, &document, limit_, "modelTopology");
    const json& root = document.root();
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

  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    const Place& place = places_.at(i);
    return std::make_unique<ShardRange>(groups_[place.group], place.offset);
  }

 private:
  struct Place {
    size_t group = 0;
    uint64_t offset = 0;
  };

  void add_group(TfjsGroup group) {
    ShardList shards(folder_);
    for (std::string& path : group.paths) shards.add(std::move(path));
    if (__builtin_add_overflow(file_total_, shards.bytes(), &file_total_)) {
      throw_invalid(path_, "has weight files of more than 2^64 bytes");
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

  Folder folder_;
  uint64_t file_total_ = 0;
  std::vector<ShardList> groups_;
  std::vector<Place> places_;  // one per tensor
};

}  // namespace

std::unique_ptr<ModelSource> open_tfjs_model(InputFile file, const MemoryLimit& limit) {
  return std::make_unique<TfjsSource>(file, limit);
}

}  // namespace dcf::tools
