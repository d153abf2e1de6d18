// SPDX-License-Identifier: Apache-2.0
// A model file of any format the tools read, seen as named tensors and string metadata.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "formats/error.h"
#include "formats/tensor_meta.h"

namespace dcf::tools {

// Opening reads and checks everything but the tensors' data. Names are unique, sizes fit.
class ModelSource {
 public:
  virtual ~ModelSource() = default;
  ModelSource(const ModelSource&) = delete;
  ModelSource& operator=(const ModelSource&) = delete;

  const std::vector<TensorMeta>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Of all files the model consists of.
  uint64_t file_bytes() const { return file_bytes_; }

  // The tensor's tensors()[i].bytes() bytes: little-endian, row-major. May be called from several
  // threads at once. Throws Error where the data is damaged.
  virtual std::vector<uint8_t> read(size_t i) const = 0;

 protected:
  ModelSource() = default;

  std::vector<TensorMeta> tensors_;
  std::map<std::string, std::string> metadata_;
  uint64_t file_bytes_ = 0;
};

struct OpenHints {
  // JSON file with the layers of a .net file, which describes nothing itself. If given, the model
  // is read as a .net file.
  std::string layers_json;
  // Limits for reading a .dcf file; 0 is the library's default.
  uint64_t max_memory = 0;
  uint32_t threads = 0;
};

// Formats are told apart by their content; the extension only picks the words of the error for a
// file that is none of them.
std::unique_ptr<ModelSource> open_model(const std::string& path, const OpenHints& hints = {});

}  // namespace dcf::tools
