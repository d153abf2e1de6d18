// SPDX-License-Identifier: Apache-2.0
#include "formats/original_files.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "formats/safetensors_text.h"
#include "formats/sha256.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{1} << 20;
// What is kept of a layout's names and types takes up to so many times its bytes.
constexpr uint64_t kMemoryPerByte = 32;
// The packed rest, which is held while tensors are decoded, may take one part in so many.
constexpr uint64_t kPartOfMemory = 4;
// The most bytes of the description of a tensor beside its name and shape, of a byte of the name,
// and of a number of the shape with its comma.
constexpr uint64_t kDescriptionBytes = 128;
constexpr uint64_t kEscaped = 6;
constexpr uint64_t kNumberBytes = 21;
constexpr uint64_t kGrowth = 3;  // a text that grows takes so many times its size for a while
constexpr const char* kLayoutWords = "the layout of files";
constexpr const char* kRestWords = "what is no tensor";

// Reads a file from front to end, in order of the layout's segments.
class FilePass {
 public:
  FilePass(const InputFile& file, Sha256Hash* hash, const std::function<void(uint64_t)>& see,
           uint64_t* seen)
      : file_(file), hash_(hash), see_(see), seen_(seen), piece_(kPieceBytes) {}

  void skip(uint64_t bytes) { position_ += bytes; }
  // The next `bytes` bytes, also to `rest` if it is not null.
  void pass(uint64_t bytes, ZstdWriter* rest) {
    while (bytes > 0) {
      const auto piece = std::span(piece_).first(static_cast<size_t>(std::min(bytes, kPieceBytes)));
      file_.read_at(position_, piece);
      hash_->update(piece);
      if (rest != nullptr) rest->write(piece);
      position_ += piece.size();
      bytes -= piece.size();
      see_(*seen_ += piece.size());
    }
  }

 private:
  const InputFile& file_;
  Sha256Hash* hash_;
  const std::function<void(uint64_t)>& see_;
  uint64_t* seen_;
  std::vector<uint8_t> piece_;
  uint64_t position_ = 0;
};

// No two files, and no file and folder, share a name.
class FileNames {
 public:
  bool add(const std::string& name) {
    if (folders_.contains(name) || !files_.insert(name).second) return false;
    for (size_t slash = name.find('/'); slash != std::string::npos;
         slash = name.find('/', slash + 1)) {
      const std::string folder = name.substr(0, slash);
      if (files_.contains(folder)) return false;
      folders_.insert(folder);
    }
    return true;
  }

 private:
  std::set<std::string> files_, folders_;
};

// Each tensor that is used is used whole, from front to end, and while one is begun no other is.
class TensorUse {
 public:
  explicit TensorUse(const DcfFile& file) : file_(file), begun_(file.tensor_count()) {}

  bool take(const Segment& segment) {
    for (const BlockPart& part : segment.parts) {
      if (part.tensor >= begun_.size()) return false;
      if (segment.kind == Segment::Kind::kTensor && part.tensor == current_ && missing_ > 0) {
        if (part.bytes > missing_) return false;
        missing_ -= part.bytes;
        continue;
      }
      if (missing_ > 0 || begun_[part.tensor]) return false;
      begun_[part.tensor] = true;
      const uint64_t bytes = file_.tensor(part.tensor).dense_bytes;
      uint64_t used = 0;
      if (__builtin_mul_overflow(part.bytes, segment.blocks, &used) || used > bytes) return false;
      if (segment.kind == Segment::Kind::kBlocks && used != bytes) return false;
      current_ = part.tensor;
      missing_ = bytes - used;
    }
    return true;
  }
  bool all_whole() const { return missing_ == 0; }

 private:
  const DcfFile& file_;
  std::vector<bool> begun_;
  uint64_t current_ = 0;
  uint64_t missing_ = 0;  // of the current tensor
};

// A .dcf file has its tensors in the order of their names.
std::vector<uint64_t> numbers_in_file(const std::vector<TensorMeta>& tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return tensors[a].name < tensors[b].name; });
  std::vector<uint64_t> numbers(order.size());
  for (size_t i = 0; i < order.size(); ++i) numbers[order[i]] = i;
  return numbers;
}

}  // namespace

std::vector<Section> pack_original_files(const ModelSource& source, std::span<const Sha256> digests,
                                         const MemoryLimit& limit,
                                         const std::function<void(uint64_t)>& see) {
  FileLayout layout = source.layout()->renumbered(numbers_in_file(source.tensors()));
  const std::string& path = source.path();
  const std::vector<uint8_t> walked = layout.encoded();
  LayoutReader reader(path, walked);
  std::optional<ZstdWriter> rest;
  if (layout.rest_bytes() > 0) rest.emplace(path, layout.rest_bytes(), limit);
  Sha256Hash hash;
  LayoutFile description;
  uint64_t seen = 0;
  for (size_t i = 0; reader.next_file(&description); ++i) {
    source.with_file(i, [&](const InputFile& file) {
      if (file.size() != description.bytes) throw_invalid(file.path(), "has changed its size");
      FilePass pass(file, &hash, see, &seen);
      for (Segment segment; reader.next_segment(&segment);) {
        const bool is_rest = segment.kind == Segment::Kind::kRest;
        if (!is_rest && !digests.empty()) {
          pass.skip(segment.bytes);
        } else {
          pass.pass(segment.bytes, is_rest ? &*rest : nullptr);
        }
      }
    });
    const Sha256 digest = hash.digest();
    layout.set_sha256(i, digests.empty() ? digest : digests[i]);
  }
  std::vector<Section> sections;
  sections.push_back({.kind = kLayoutKind, .bytes = zstd_pack(path, layout.encoded(), limit)});
  if (rest) {
    sections.push_back({.kind = kRestKind, .bytes = rest->finish()});
    limit.check(path, kRestWords, kPartOfMemory * sections.back().bytes.size());
  }
  return sections;
}

std::optional<OriginalFiles> OriginalFiles::read(const DcfFile& file) {
  const MemoryLimit limit(file.max_memory());
  std::optional<std::vector<uint8_t>> layout = file.section(kLayoutKind);
  if (!layout) return std::nullopt;
  OriginalFiles result;
  result.where_ = file.path();
  result.layout_ =
      zstd_unpack(file.path(), kLayoutWords, *layout, MemoryLimit(limit.bytes() / kMemoryPerByte));
  if (auto rest = file.section(kRestKind)) {
    limit.check(file.path(), kRestWords, kPartOfMemory * rest->size());
    result.rest_ = std::move(*rest);
    result.rest_bytes_ = result.open_rest()->content_bytes();
  }
  result.check(file);
  return result;
}

std::string OriginalFiles::descriptions(const DcfFile& file, const LayoutReader& reader,
                                        const Segment& segment) const {
  const MemoryLimit limit(file.max_memory());
  const auto refuse = [&](const char* what) {
    throw_invalid(where_, std::string("has a damaged layout of files: ") + what);
  };
  SafetensorsText described;
  LayoutReader ahead = reader.ahead();
  for (Segment next; ahead.next_segment(&next);) {
    if (next.kind == Segment::Kind::kDescriptions) refuse("a file has descriptions twice");
    if (next.kind != Segment::Kind::kTensor) continue;
    const uint64_t tensor = next.parts[0].tensor;
    if (tensor >= file.tensor_count()) refuse("a tensor does not exist");
    const TensorMeta meta = file.meta(tensor);
    limit.check(file.path(), "the header of a safetensors file",
                kGrowth * (described.text().size() + kEscaped * meta.name.size() +
                           kDescriptionBytes + kNumberBytes * meta.dims.size()));
    if (!described.add(meta.name, meta.dtype, meta.dims, next.bytes)) {
      refuse("a tensor has no description");
    }
  }
  std::string text = described.text() + '}';
  if (text.size() > segment.bytes || segment.bytes - text.size() >= kSafetensorsAlignment) {
    refuse("descriptions have another size");
  }
  text.resize(static_cast<size_t>(segment.bytes), ' ');
  return text;
}

std::optional<ZstdReader> OriginalFiles::open_rest() const {
  if (!rest_) return std::nullopt;
  return ZstdReader(where_, kRestWords, *rest_);
}

void OriginalFiles::check(const DcfFile& file) {
  LayoutReader reader = walk();
  format_ = reader.format();
  types_ = reader.types();
  FileNames names;
  TensorUse use(file);
  uint64_t rest_bytes = 0;
  const auto require = [&](bool good, const std::string& what) {
    if (!good) throw_invalid(where_, "has a damaged layout of files: " + what);
  };
  LayoutFile description;
  while (reader.next_file(&description)) {
    require(files_.size() < kMaxFiles, "it has too many files");
    require(names.add(description.name), quote(description.name) + " is there twice");
    require(!__builtin_add_overflow(bytes_, description.bytes, &bytes_), "its sizes overflow");
    for (Segment segment; reader.next_segment(&segment);) {
      if (segment.kind == Segment::Kind::kRest) {
        rest_bytes += segment.bytes;
      } else if (segment.kind == Segment::Kind::kDescriptions) {
        (void)descriptions(file, reader, segment);
      } else {
        require(use.take(segment), "a tensor does not exist or is not used once and whole");
      }
    }
    files_.push_back(description);
  }
  require(!files_.empty(), "it has no files");
  require(use.all_whole(), "a tensor is not used whole");
  require(rest_bytes == rest_bytes_, "its rest has another size");
}

}  // namespace dcf::tools
