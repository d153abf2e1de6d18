// SPDX-License-Identifier: Apache-2.0
#include "formats/digits.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "formats/error.h"
#include "formats/idx.h"

namespace dcf::tools {
namespace {

// The path of `name` in the directory, or of its packed form.
std::string find_idx(const std::string& directory, const std::string& name) {
  const std::string plain = (std::filesystem::path(directory) / name).string();
  std::error_code ignored;
  for (const std::string& path : {plain, plain + ".gz"}) {
    if (std::filesystem::exists(path, ignored)) return path;
  }
  throw_failure(directory, "holds neither " + name + " nor " + name + ".gz");
}

IdxArray read_part(const std::string& path, size_t rank, const MemoryLimit& limit) {
  IdxArray array = read_idx(path, limit);
  if (array.dims.size() != rank) {
    throw_invalid(path, "has " + std::to_string(array.dims.size()) + " dimensions, not " +
                            std::to_string(rank));
  }
  return array;
}

Digits load(const std::string& directory, const std::string& part, const MemoryLimit& limit) {
  const std::string image_path = find_idx(directory, part + "-images-idx3-ubyte");
  const std::string label_path = find_idx(directory, part + "-labels-idx1-ubyte");
  IdxArray images = read_part(image_path, 3, limit);
  IdxArray labels = read_part(label_path, 1, limit);
  if (labels.dims[0] != images.dims[0]) {
    throw_invalid(label_path, "holds " + std::to_string(labels.dims[0]) + " labels for " +
                                  std::to_string(images.dims[0]) + " images");
  }
  if (images.data.empty()) throw_invalid(image_path, "holds no images");
  return {images.dims[0], images.dims[1], images.dims[2], std::move(images.data),
          std::move(labels.data)};
}

}  // namespace

Digits load_train(const std::string& directory, const MemoryLimit& limit) {
  return load(directory, "train", limit);
}

Digits load_test(const std::string& directory, const MemoryLimit& limit) {
  return load(directory, "t10k", limit);
}

}  // namespace dcf::tools
