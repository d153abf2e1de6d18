// SPDX-License-Identifier: Apache-2.0
#include "formats/tfjs_source.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "formats/foreign_files.h"
#include "formats/le_bytes.h"
#include "formats/shard_reader.h"
#include "formats/text.h"
#include "formats/tfjs_dequantize.h"
#include "formats/tfjs_manifest.h"

namespace dcf::tools {
namespace {

using nlohmann::json;

constexpr const char* kCarriedFields[] = {"format", "generatedBy", "convertedBy",
                                          "userDefinedMetadata"};
constexpr uint64_t kStringLengthBytes = 4;
constexpr size_t kMaxTypeBytes = 200;  // of a type in the layout; longer ones are left out

class TfjsSource : public ModelSource {
 public:
  TfjsSource(InputFile file, const json& root, const MemoryLimit& limit, bool dequantize)
      : ModelSource(file.path(), limit),
        file_(std::move(file)),
        folder_(std::filesystem::path(path_).parent_path().string(), path_),
        dequantize_(dequantize),
        file_total_(file_.size()) {
    for (const char* field : kCarriedFields) {
      if (!root.is_object()) break;
      const auto it = root.find(field);
      if (it == root.end() || it->is_null()) continue;
      metadata_[std::string("tfjs.") + field] =
          it->is_string() ? it->get<std::string>() : it->dump();
    }
    for (TfjsGroup& group : parse_tfjs_manifest(path_, root, &metadata_)) {
      add_group(std::move(group));
    }
    check_tensor_list(path_, tensors_);
    format_ = "tfjs";
    file_bytes_ = file_total_;
    if (can_describe_files()) {
      describe_files();
    } else {
      why_no_layout_ = changed_ ? "quantised weights become floats"
                                : "a weight file has a name that no output is given";
      if (trailing_bytes_ > 0) {
        notes_.push_back("left out: " + std::to_string(trailing_bytes_) +
                         " bytes after the last weights of weight files");
      }
    }
  }

  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    const Place& place = places_.at(i);
    auto stored = read_shard_range(groups_[place.group], place.offset);
    if (!place.quantization) return stored;
    return read_tfjs_numbers(std::move(stored), *place.quantization);
  }

  void with_file(size_t i, const UseFile& use) const override {
    if (i == 0) return use(file_);
    const auto [group, shard] = shards_.at(i - 1);
    use(groups_[group].open(shard));
  }

 private:
  struct Place {
    size_t group = 0;
    uint64_t offset = 0;
    uint64_t bytes = 0;                            // as they are stored
    std::optional<TfjsQuantization> quantization;  // only where its numbers are read
    std::string type;                              // as in TfjsWeight
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
        refuse_stand_ins(shards);
        throw_invalid(path_, "weight " + quote(weight.meta.name) +
                                 " ends after the last byte of its weight files");
      }
      add_weight(std::move(weight), {.group = groups_.size(), .offset = offset, .bytes = bytes});
      offset += bytes;
    }
    trailing_bytes_ += shards.bytes() - offset;
    groups_.push_back(std::move(shards));
  }

  void add_weight(TfjsWeight weight, Place place) {
    if (dequantize_ && weight.quantization) {
      const dcf_dtype dtype = tfjs_number_dtype(path_, weight.meta.name, *weight.quantization);
      weight.meta =
          make_meta(path_, std::move(weight.meta.name), dtype, std::move(weight.meta.dims));
      metadata_.erase("tfjs.quantization." + weight.meta.name);
      place.quantization = std::move(weight.quantization);
      changed_ = true;
    }
    place.type = std::move(weight.type);
    places_.push_back(std::move(place));
    tensors_.push_back(std::move(weight.meta));
  }

  // A pointer or page instead of a weight file is too short for its weights.
  static void refuse_stand_ins(const ShardList& shards) {
    for (size_t i = 0; i < shards.size(); ++i) {
      const InputFile file = shards.open(i);
      refuse_stand_in(file.path(), read_head(file));
    }
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

  // A weight file may have a name that no output is given, or be model.json itself.
  bool can_describe_files() const {
    const std::string main_name = this->main_name();
    for (const ShardList& shards : groups_) {
      for (size_t i = 0; i < shards.size(); ++i) {
        const std::string& name = shards.name(i);
        if (!is_portable_path(name) || name == main_name) return false;
      }
    }
    return !changed_;
  }

  std::string main_name() const { return portable_file_name(path_, "model.json"); }

  void describe_files() {
    layout_.emplace("tfjs");
    layout_->begin_file(main_name(), file_.size());
    layout_->end_file();
    for (size_t i = 0; i < places_.size(); ++i) {
      const std::string& type = places_[i].type;
      if (!type.empty() && type.size() <= kMaxTypeBytes) layout_->note_type(i, type);
    }
    size_t tensor = 0;
    for (size_t group = 0; group < groups_.size(); ++group) {
      const ShardList& shards = groups_[group];
      for (size_t i = 0; i < shards.size(); ++i) {
        layout_->begin_file(shards.name(i), shards.end(i) - shards.begin(i));
        // A tensor that ends after the file goes on in the next one.
        for (; tensor < places_.size() && places_[tensor].group == group; ++tensor) {
          const Place& place = places_[tensor];
          const uint64_t begin = std::max(place.offset, shards.begin(i));
          const uint64_t end = std::min(place.offset + place.bytes, shards.end(i));
          if (begin < end) layout_->tensor_at(begin - shards.begin(i), tensor, end - begin);
          if (place.offset + place.bytes > shards.end(i)) break;
        }
        layout_->end_file();
        shards_.emplace_back(group, i);
      }
      while (tensor < places_.size() && places_[tensor].group == group) ++tensor;  // empty ones
    }
  }

  InputFile file_;
  Folder folder_;
  bool dequantize_;
  bool changed_ = false;  // some tensor is not as its bytes are stored
  uint64_t file_total_ = 0;
  uint64_t trailing_bytes_ = 0;
  std::vector<ShardList> groups_;
  std::vector<Place> places_;  // one per tensor
  // The files of the layout after the first: group, and shard in it.
  std::vector<std::pair<size_t, size_t>> shards_;
};

}  // namespace

std::unique_ptr<ModelSource> open_tfjs_model(InputFile file, const json& root,
                                             const MemoryLimit& limit, bool dequantize) {
  return std::make_unique<TfjsSource>(std::move(file), root, limit, dequantize);
}

}  // namespace dcf::tools
