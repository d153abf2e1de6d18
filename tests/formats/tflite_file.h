// SPDX-License-Identifier: Apache-2.0
// TensorFlow Lite models made by hand. Needs the component: DCF_WITH_TFLITE.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dcf::tools::test {

struct TfliteTensor {
  std::string name;
  std::vector<int32_t> shape;
  int8_t type = 0;  // FLOAT32
  uint32_t buffer = 0;
};

struct TfliteBuffer {
  std::string data;
  uint64_t offset = 0;
  uint64_t size = 0;
  int same_as = -1;  // the data of this other buffer
};

struct TfliteFile {
  std::vector<TfliteBuffer> buffers = {{}};
  std::vector<std::vector<TfliteTensor>> graphs;
  uint32_t version = 3;

  std::string bytes() const;
};

}  // namespace dcf::tools::test
