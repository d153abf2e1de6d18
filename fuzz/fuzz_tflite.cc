// SPDX-License-Identifier: Apache-2.0
// Any bytes as a TensorFlow Lite model.
#include "formats/tflite_source.h"
#include "model_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;  // open_model() refuses empty files
  const dcf::fuzz::MemoryFile file({data, size});
  dcf::fuzz::read_model([&](const dcf::tools::MemoryLimit& limit) {
    return dcf::tools::open_tflite_model(dcf::tools::InputFile(file.path()), limit);
  });
  return 0;
}
