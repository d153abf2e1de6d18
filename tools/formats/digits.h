// SPDX-License-Identifier: Apache-2.0
// A labelled set of grey images: the four files of MNIST, Fashion-MNIST and their like.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/memory_limit.h"

namespace dcf::tools {

struct Digits {
  uint64_t count = 0;
  uint64_t height = 0;
  uint64_t width = 0;
  std::vector<uint8_t> images;  // [count, height, width]
  std::vector<uint8_t> labels;  // [count]

  uint64_t pixels() const { return height * width; }  // of one image
};

// Read train-images-idx3-ubyte and train-labels-idx1-ubyte, or t10k-..., each plain or with .gz at
// the end of its name, from `directory`. Throw Error, also where one of them is over the limit.
Digits load_train(const std::string& directory, const MemoryLimit& limit = MemoryLimit());
Digits load_test(const std::string& directory, const MemoryLimit& limit = MemoryLimit());

}  // namespace dcf::tools
