// SPDX-License-Identifier: Apache-2.0
// The files of external data of an ONNX model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "formats/beneath.h"
#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Files below the folder of the model's file, numbered from 0 in the order in which they are first
// named. Const members may run on several threads at once.
class OnnxExternalFiles {
 public:
  // `own_name` is the name of the model's file in its layout.
  OnnxExternalFiles(std::string model_path, std::string own_name);

  // The number of the file of a location, which is opened to learn its size. A location is a
  // relative path of ONNX, whose components "." count for nothing; throws Error where it leads out
  // of the folder, over a symbolic link, to the model's own file, or is no portable name
  // (is_portable_path).
  size_t add(const std::string& location);

  size_t count() const { return files_.size(); }
  const std::string& name(size_t i) const { return files_[i].name; }
  uint64_t bytes(size_t i) const { return files_[i].bytes; }

  InputFile open(size_t i) const { return folder_->open(files_[i].name); }
  // Reads on from `offset`; has the file open.
  std::unique_ptr<TensorReader> read(size_t i, uint64_t offset) const;

 private:
  struct File {
    std::string name;
    uint64_t bytes = 0;
  };
  // A file that cannot be opened is the model's fault.
  uint64_t size_of(const std::string& name) const;

  std::string model_path_;
  std::string own_name_;
  std::optional<Folder> folder_;  // open when a file has been added
  std::vector<File> files_;
  std::unordered_map<std::string, size_t> numbers_;  // by name
};

}  // namespace dcf::tools
