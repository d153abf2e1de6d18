// SPDX-License-Identifier: Apache-2.0
// How the files of a model are put together: which bytes are tensors', and which are the rest, such
// as headers, graphs and tokenizers. Specified in spec/dcf-format.md, section 10.1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dcf::tools {

using Sha256 = std::array<uint8_t, 32>;

// Some bytes of one tensor in a block.
struct BlockPart {
  uint64_t tensor = 0;
  uint64_t bytes = 0;
};
inline constexpr size_t kMaxBlockParts = 8;

// Bytes of a file that lie one after another and come from one place.
struct Segment {
  enum class Kind : uint8_t {
    kRest,         // the next bytes that are no tensor's
    kTensor,       // the next bytes of parts[0].tensor
    kBlocks,       // `blocks` times the next bytes of each part in turn
    kDescriptions  // what safetensors says of the tensors that follow in the file
  };
  Kind kind = Kind::kRest;
  uint64_t bytes = 0;  // of the whole segment
  uint64_t blocks = 0;
  std::vector<BlockPart> parts;
};

// Built by a reader of a foreign format, file by file and from front to end of each. Takes some
// bytes for each tensor. Belongs to one thread at a time while it is built.
class FileLayout {
 public:
  // `format` names the format of the first file, which is the model's main file.
  explicit FileLayout(std::string_view format);

  // `name` is a plain path (is_plain_path) relative to the folder of the main file.
  void begin_file(std::string_view name, uint64_t bytes);
  // From `offset` in the file, which is not before the end of the last segment, lie the next
  // `bytes` bytes of `tensor`. What lies between is rest. Nothing is kept of 0 bytes.
  void tensor_at(uint64_t offset, uint64_t tensor, uint64_t bytes);
  // From `offset` lie `blocks` blocks of these parts, each of the next bytes of its tensor.
  void blocks_at(uint64_t offset, uint64_t blocks, std::span<const BlockPart> parts);
  // From `offset` lie the descriptions of all tensors of the file, as a safetensors file has them
  // up to the end of its header. Nothing is kept of 0 bytes.
  void descriptions_at(uint64_t offset, uint64_t bytes);
  // The rest of the file is rest.
  void end_file();

  size_t files() const { return files_.size(); }
  const std::string& file_name(size_t i) const { return files_[i].name; }
  uint64_t file_bytes(size_t i) const { return files_[i].bytes; }
  uint64_t rest_bytes() const { return rest_bytes_; }
  void set_sha256(size_t file, const Sha256& digest);

  // What the format calls the type and shape of a tensor that a .dcf file has another one for, such
  // as "Q8_0 [4096, 4096]".
  void note_type(uint64_t tensor, std::string_view type);
  // What was noted; null where nothing was.
  const std::string* type(uint64_t tensor) const;

  const std::string& format() const { return format_; }

  // The same layout where tensor i has the number numbers[i].
  FileLayout renumbered(std::span<const uint64_t> numbers) const;

  // The content of the layout section.
  std::vector<uint8_t> encoded() const;

 private:
  struct File {
    std::string name;
    uint64_t bytes = 0;
    size_t sha256_at = 0;  // in body_
  };
  void advance_to(uint64_t offset);

  std::string format_;
  std::vector<File> files_;
  std::vector<uint8_t> body_;  // files and their segments
  std::map<uint64_t, std::string> types_;
  uint64_t position_ = 0;  // in the file that is being described
  uint64_t rest_bytes_ = 0;
};

// A file as a layout describes it.
struct LayoutFile {
  std::string name;
  uint64_t bytes = 0;
  Sha256 sha256{};
};

// Reads an encoded layout, which may be a stranger's, from front to end: a file, then its segments,
// the next file, ... Borrows the bytes. All members throw Error, whose message starts with `where`.
class LayoutReader {
 public:
  LayoutReader(std::string where, std::span<const uint8_t> encoded);

  const std::string& format() const { return format_; }
  // By tensor.
  const std::map<uint64_t, std::string>& types() const { return types_; }
  // False after the last file. The segments of the file before must have been read.
  bool next_file(LayoutFile* file);
  // False at the end of the file. No more bytes than the file has.
  bool next_segment(Segment* segment);
  // A reader of the segments of this file that are left, and of what follows; it has no types.
  LayoutReader ahead() const { return {where_, left_, missing_}; }

 private:
  LayoutReader(std::string where, std::span<const uint8_t> left, uint64_t missing)
      : where_(std::move(where)), left_(left), missing_(missing) {}
  [[noreturn]] void fail(const std::string& what) const;
  uint64_t number();
  std::string text(size_t max_bytes);

  std::string where_;
  std::span<const uint8_t> left_;
  std::string format_;
  std::map<uint64_t, std::string> types_;
  uint64_t missing_ = 0;  // bytes of the file without a segment so far
};

}  // namespace dcf::tools
