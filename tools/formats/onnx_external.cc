// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_external.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "formats/error.h"
#include "formats/file_range.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

// Without components ".".
std::string plain_path(const std::string& location) {
  std::string result;
  for (size_t begin = 0; begin <= location.size();) {
    const size_t end = std::min(location.find('/', begin), location.size());
    const std::string component = location.substr(begin, end - begin);
    if (component != ".") result += (begin == 0 || result.empty() ? "" : "/") + component;
    if (begin == 0 && component.empty()) result = "/";  // an absolute path stays one
    begin = end + 1;
  }
  return result;
}

}  // namespace

OnnxExternalFiles::OnnxExternalFiles(std::string model_path, std::string own_name)
    : model_path_(std::move(model_path)), own_name_(std::move(own_name)) {}

size_t OnnxExternalFiles::add(const std::string& location) {
  const std::string name = plain_path(location);
  if (const auto it = numbers_.find(name); it != numbers_.end()) return it->second;
  if (!is_portable_path(name) || !is_utf8(name)) {
    throw_invalid(model_path_, "has external data in the file " + quote(location) +
                                   ", which is not a plain path below the model's folder");
  }
  if (name == own_name_) throw_invalid(model_path_, "names itself as its file of external data");
  if (!folder_) {
    folder_.emplace(std::filesystem::path(model_path_).parent_path().string(), model_path_);
  }
  files_.push_back({.name = name, .bytes = size_of(name)});
  numbers_.emplace(name, files_.size() - 1);
  return files_.size() - 1;
}

uint64_t OnnxExternalFiles::size_of(const std::string& name) const {
  try {
    return folder_->open(name).size();
  } catch (const Error& error) {
    throw_invalid(model_path_, std::string("lacks a file of external data: ") + error.what());
  }
}

std::unique_ptr<TensorReader> OnnxExternalFiles::read(size_t i, uint64_t offset) const {
  return read_file_range(open(i), offset);
}

}  // namespace dcf::tools
