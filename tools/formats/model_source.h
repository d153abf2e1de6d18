// SPDX-License-Identifier: Apache-2.0
// A model file of any format the tools read, seen as named tensors and string metadata.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "formats/error.h"
#include "formats/file_layout.h"
#include "formats/input_file.h"
#include "formats/memory_limit.h"
#include "formats/tensor_meta.h"

namespace dcf::tools {

// Reads the bytes of one tensor from front to end: little-endian, row-major. Belongs to one thread
// at a time, and must not outlive the ModelSource it comes from.
class TensorReader {
 public:
  virtual ~TensorReader() = default;
  TensorReader(const TensorReader&) = delete;
  TensorReader& operator=(const TensorReader&) = delete;

  // Fills `out`, which takes whole elements and no more than are left. Throws Error where the data
  // is damaged; what can only be told at the end, such as a checksum, with the last byte.
  virtual void read(std::span<uint8_t> out) = 0;

 protected:
  TensorReader() = default;
};

// An ancillary section of a .dcf file.
struct Section {
  uint32_t kind = 0;
  std::vector<uint8_t> bytes;
};

// Opening reads and checks everything but the tensors' data. Names are unique, sizes fit.
class ModelSource {
 public:
  virtual ~ModelSource() = default;
  ModelSource(const ModelSource&) = delete;
  ModelSource& operator=(const ModelSource&) = delete;

  const std::string& path() const { return path_; }
  const std::vector<TensorMeta>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // As on the command line: "safetensors", "onnx", ...
  std::string_view format() const { return layout_ ? layout_->format() : format_; }
  // Of all files the model consists of.
  uint64_t file_bytes() const { return file_bytes_; }

  // How the files are put together from the tensors; null where the tensors' bytes do not lie in
  // them as they are. The digests in it are not set.
  const FileLayout* layout() const { return layout_ ? &*layout_ : nullptr; }
  // Calls `use` with file i of the layout, open.
  using UseFile = std::function<void(const InputFile&)>;
  virtual void with_file(size_t i, const UseFile& use) const;
  // Where there is no layout: why the files cannot be put together again, in a few words. Empty
  // for a .dcf file, which keeps what it was made from.
  const std::string& why_no_layout() const { return why_no_layout_; }

  // What of the files was left out or taken in another way than one would expect, a sentence each.
  const std::vector<std::string>& notes() const { return notes_; }

  // Sections that a copy of the model keeps as they are: those of a .dcf file.
  virtual std::vector<Section> sections() const { return {}; }

  // Whether tensor i holds the scales or offsets of a quantised tensor: not to be made inexact.
  bool is_scale(size_t i) const { return scales_.contains(i); }

  // The tensor's tensors()[i].bytes() bytes in pieces. These four may be called from several
  // threads at once. What a reader holds is checked against the limit of memory before it is taken,
  // and does not depend on the size of the tensor but for arrays in Fortran order.
  virtual std::unique_ptr<TensorReader> open_tensor(size_t i) const = 0;
  // The same from byte `offset` of the tensor on, the border of an element.
  virtual std::unique_ptr<TensorReader> open_tensor_at(size_t i, uint64_t offset) const;
  using Consume = std::function<void(std::span<const uint8_t>)>;
  void read_pieces(size_t i, const Consume& consume) const;
  // All of them, which is an error (LimitMemory) where they are more than the limit of memory.
  std::vector<uint8_t> read(size_t i) const;

 protected:
  ModelSource(std::string path, const MemoryLimit& limit) : path_(std::move(path)), limit_(limit) {}

  std::string path_;
  MemoryLimit limit_;
  std::vector<TensorMeta> tensors_;
  std::map<std::string, std::string> metadata_;
  uint64_t file_bytes_ = 0;
  std::optional<FileLayout> layout_;
  std::string_view format_;  // where there is no layout
  std::string why_no_layout_;
  std::unordered_set<size_t> scales_;
  std::vector<std::string> notes_;
};

struct OpenHints {
  // JSON file with the layers of a .net file, which describes nothing itself. If given, the model
  // is read as a .net file.
  std::string layers_json;
  // Bytes that reading may take; 0 is the default of MemoryLimit, which is the library's.
  uint64_t max_memory = 0;
  // So many models have max_memory each of what -M allows.
  uint32_t sharing = 1;
  // For a .dcf file; 0 is the library's default.
  uint32_t threads = 0;
  // Whether quantised weights of TensorFlow.js become the numbers they stand for. Other formats are
  // refused then.
  bool dequantize = false;
};

// Whether `path` is a .dcf file, or "-", standard input, which only a .dcf file can be read from.
// Throws Error where it cannot be read.
bool is_dcf_file(const std::string& path);

// `path` names the main file of a model, or a folder that holds one of sharded safetensors. Formats
// are told apart by their content; the extension only picks the words of the error for a file that
// is none of them. Throws Error.
std::unique_ptr<ModelSource> open_model(const std::string& path, const OpenHints& hints = {});

}  // namespace dcf::tools
