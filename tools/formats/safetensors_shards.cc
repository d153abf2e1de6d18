// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors_shards.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

#include "formats/beneath.h"
#include "formats/folder_files.h"
#include "formats/foreign_files.h"
#include "formats/json.h"
#include "formats/safetensors_header.h"
#include "formats/shard_reader.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

using nlohmann::json;

constexpr const char* kWeightMap = "weight_map";
constexpr std::string_view kIndexSuffix = ".safetensors.index.json";
constexpr std::string_view kShardSuffix = ".safetensors";
constexpr std::string_view kDcfSuffix = ".dcf";
constexpr uint64_t kMaxOtherBytes = uint64_t{64} << 20;  // of one file besides index and shards

// The weight_map of an index: tensor -> name of the shard.
const json& weight_map_of(const std::string& path, const json& root) {
  const json& map = json_member(path, root, kWeightMap, "the index");
  if (!map.is_object()) throw_invalid(path, "'weight_map' is not a JSON object");
  return map;
}

std::set<std::string> shards_of(const std::string& path, const json& map) {
  std::set<std::string> names;
  for (const auto& [tensor, shard] : map.items()) {
    names.insert(json_string(path, shard, "the shard of tensor " + quote(tensor)));
  }
  if (std::ranges::any_of(names, [](const auto& name) { return name.ends_with(kDcfSuffix); })) {
    throw_invalid(path, "is an index of .dcf files, each of which opens by itself");
  }
  return names;
}

// Throws where a file that should be a shard is of a kind that is told from its start. A zip
// archive among shards is a checkpoint of PyTorch.
void refuse_other_kinds(const std::string& path, std::string_view head) {
  if (looks_like_safetensors(head)) return;  // the size before the brace may look like anything
  refuse_stand_in(path, head);
  refuse_foreign(path, head);
  if (head.starts_with("PK\x03\x04")) refuse_foreign_zip(path, {"data.pkl"});
}

class ShardedSource : public ModelSource {
 public:
  // With the index, its weight_map and the memory that this takes, or none of them. `folder` is
  // where the files lie.
  ShardedSource(const std::string& path, const std::string& folder, const MemoryLimit& limit,
                std::optional<InputFile> index, const json* map, uint64_t map_bytes)
      : ModelSource(path, limit),
        folder_(folder, path),
        index_(std::move(index)),
        map_(map),
        shards_(folder_),
        held_bytes_(map_bytes) {
    if (index_) file_bytes_ = index_->size();
  }

  // Shards are added in the order of their names, and before the other files.
  void add_shard(const std::string& name) {
    const InputFile file = folder_.open(name);
    refuse_other_kinds(file.path(), read_head(file));
    limit_.check(path_, "the headers of its shards", held_bytes_ + 1);
    SafetensorsHeader header =
        read_safetensors_header(file, MemoryLimit(limit_.bytes() - held_bytes_));
    const uint64_t begin = shards_.bytes();
    shards_.add(name);
    descriptions_.emplace_back(header.described_at, header.described_bytes);
    count_bytes(file.size());
    for (size_t i = 0; i < header.tensors.size(); ++i) {
      TensorMeta& meta = header.tensors[i];
      check_in_map(meta.name, name);
      held_bytes_ += sizeof(TensorMeta) + sizeof(uint64_t) * (1 + meta.dims.size()) +
                     2 * meta.name.size();  // the name once more to tell doubles
      offsets_.push_back(begin + header.offsets[i]);
      tensors_.push_back(std::move(meta));
    }
    limit_.check(path_, "the headers of its shards", held_bytes_);
    if (tensors_.size() > kMaxTensors) check_tensor_list(path_, tensors_);
    for (auto& [key, value] : header.metadata) {
      const auto [it, is_new] = metadata_.emplace(key, value);
      if (!is_new && it->second != value) differing_keys_.insert(key);
    }
  }

  void add_other(const std::string& name, uint64_t bytes) {
    others_.push_back({.name = name, .bytes = bytes});
    count_bytes(bytes);
  }

  void add_notes(std::vector<std::string> notes) {
    for (std::string& note : notes) notes_.push_back(std::move(note));
  }

  void finish() {
    check_tensor_list(path_, tensors_);
    if (map_ != nullptr && tensors_.size() != map_->size()) refuse_missing_tensor();
    for (const std::string& key : differing_keys_) {
      notes_.push_back("the shards differ on the metadata " + quote(key) +
                       ", of which the first one's value is kept");
    }
    describe_files();
    map_ = nullptr;
  }

  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    return open_tensor_at(i, 0);
  }
  std::unique_ptr<TensorReader> open_tensor_at(size_t i, uint64_t offset) const override {
    return read_shard_range(shards_, offsets_.at(i) + offset);
  }

  void with_file(size_t i, const UseFile& use) const override {
    if (index_ && i-- == 0) return use(*index_);
    if (i < shards_.size()) return use(shards_.open(i));
    use(folder_.open(others_.at(i - shards_.size()).name));
  }

 private:
  void count_bytes(uint64_t bytes) {
    if (__builtin_add_overflow(file_bytes_, bytes, &file_bytes_)) {
      throw_invalid(path_, "has files of more than 2^64 bytes");
    }
  }

  void check_in_map(const std::string& tensor, const std::string& shard) const {
    if (map_ == nullptr) return;
    const auto it = map_->find(tensor);
    if (it == map_->end()) {
      throw_invalid(path_, "names no shard for tensor " + quote(tensor) + " of " + quote(shard));
    }
    if (*it != shard) {
      throw_invalid(path_, "has tensor " + quote(tensor) + " in " +
                               quote(it->get_ref<const std::string&>()) + ", but it lies in " +
                               quote(shard));
    }
  }

  [[noreturn]] void refuse_missing_tensor() const {
    std::unordered_set<std::string_view> seen;
    for (const TensorMeta& meta : tensors_) seen.insert(meta.name);
    for (const auto& [tensor, shard] : map_->items()) {
      if (seen.contains(tensor)) continue;
      throw_invalid(path_, "has tensor " + quote(tensor) + " in " +
                               quote(shard.get_ref<const std::string&>()) +
                               ", which does not hold it");
    }
    throw_invalid(path_, "does not name the tensors of its shards");
  }

  // A file may have a name that no output is given.
  void describe_files() {
    for (size_t i = 0; i < shards_.size(); ++i) {
      if (is_portable_path(shards_.name(i))) continue;
      why_no_layout_ = "a shard has a name that no output is given";
      return;
    }
    layout_.emplace("safetensors");
    if (index_) {
      layout_->begin_file(portable_file_name(index_->path(), "model.safetensors.index.json"),
                          index_->size());
      layout_->end_file();
    }
    size_t tensor = 0;
    for (size_t i = 0; i < shards_.size(); ++i) {
      const uint64_t begin = shards_.begin(i);
      const uint64_t end = shards_.end(i);
      layout_->begin_file(shards_.name(i), end - begin);
      layout_->descriptions_at(descriptions_[i].first, descriptions_[i].second);
      for (; tensor < tensors_.size() && offsets_[tensor] <= end; ++tensor) {
        const uint64_t bytes = tensors_[tensor].bytes();
        // A tensor without bytes may lie at the end of one file or the beginning of the next.
        if (bytes > end - offsets_[tensor]) break;
        layout_->tensor_at(offsets_[tensor] - begin, tensor, bytes);
      }
      layout_->end_file();
    }
    for (const FolderFiles::File& other : others_) {
      layout_->begin_file(other.name, other.bytes);
      layout_->end_file();
    }
  }

  Folder folder_;
  std::optional<InputFile> index_;
  const json* map_;  // until finish()
  ShardList shards_;
  std::vector<uint64_t> offsets_;  // in the shards, one per tensor
  std::vector<FolderFiles::File> others_;
  std::vector<std::pair<uint64_t, uint64_t>> descriptions_;  // where, and bytes, in each shard
  std::set<std::string> differing_keys_;
  uint64_t held_bytes_;
};

// The shards lie in `folder`.
std::unique_ptr<ShardedSource> read_index(InputFile file, const std::string& folder,
                                          const JsonDocument& document, const MemoryLimit& limit,
                                          std::set<std::string>* shards) {
  const std::string path = file.path();
  const json& map = weight_map_of(path, document.root());
  *shards = shards_of(path, map);
  auto source =
      std::make_unique<ShardedSource>(path, folder, limit, std::move(file), &map, document.bytes());
  for (const std::string& shard : *shards) source->add_shard(shard);
  return source;
}

// The one file whose name ends so, or nullptr where there is none.
const FolderFiles::File* find_only(const std::string& path, const FolderFiles& listing,
                                   std::string_view suffix) {
  const FolderFiles::File* found = nullptr;
  for (const FolderFiles::File& file : listing.files) {
    if (!file.name.ends_with(suffix) || file.name.find('/') != std::string::npos) continue;
    if (found != nullptr) {
      throw_failure(path, "is a folder that holds " + quote(found->name) + " and " +
                              quote(file.name) + "; name the one that is meant");
    }
    found = &file;
  }
  return found;
}

// The folder holds no safetensors: throws for what other programs keep in folders of their own.
void refuse_foreign_folder(const std::string& path, const FolderFiles& listing) {
  for (const FolderFiles::File& file : listing.files) {
    if (file.name != "saved_model.pb" && file.name != "pytorch_model.bin") continue;
    const InputFile input((std::filesystem::path(path) / file.name).string());
    refuse_other_kinds(input.path(), read_head(input));
  }
}

}  // namespace

bool is_safetensors_index(const json& root) {
  return root.is_object() && root.contains(kWeightMap);
}

std::unique_ptr<ModelSource> open_safetensors_index(InputFile file, const JsonDocument& document,
                                                    const MemoryLimit& limit) {
  std::set<std::string> shards;
  const std::string folder = std::filesystem::path(file.path()).parent_path().string();
  auto source = read_index(std::move(file), folder, document, limit, &shards);
  source->finish();
  return source;
}

std::unique_ptr<ModelSource> open_safetensors_folder(const std::string& path,
                                                     const MemoryLimit& limit) {
  FolderFiles listing = list_folder(path);
  const FolderFiles::File* const index = find_only(path, listing, kIndexSuffix);
  std::set<std::string> used;
  std::unique_ptr<ShardedSource> source;
  JsonDocument document;
  if (index != nullptr) {
    // Folder refuses a link in the index's place that is none of a hub's cache.
    Folder(path, path).open(index->name);
    InputFile file((std::filesystem::path(path) / index->name).string());
    parse_json_file(file, &document, limit);
    source = read_index(std::move(file), path, document, limit, &used);
    used.insert(index->name);
  } else {
    const FolderFiles::File* const only = find_only(path, listing, kShardSuffix);
    if (only == nullptr) {
      refuse_foreign_folder(path, listing);
      const std::string left_out =
          listing.left_out.empty() ? "" : " (" + listing.left_out.front() + ")";
      throw_failure(path, "is a folder without a safetensors file or index" + left_out +
                              "; name the model's main file");
    }
    source = std::make_unique<ShardedSource>(path, path, limit, std::nullopt, nullptr, 0);
    source->add_shard(only->name);
    used.insert(only->name);
  }
  for (const FolderFiles::File& file : listing.files) {
    if (used.contains(file.name)) continue;
    const bool is_dcf = file.name.ends_with(kDcfSuffix);
    if (!is_dcf && file.bytes <= kMaxOtherBytes) {
      source->add_other(file.name, file.bytes);
    } else {
      listing.left_out.push_back("left out: " + quote(file.name) +
                                 (is_dcf ? " is a .dcf file" : " is larger than 64 MiB"));
    }
  }
  source->add_notes(std::move(listing.left_out));
  source->finish();
  return source;
}

}  // namespace dcf::tools
