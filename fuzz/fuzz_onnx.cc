// SPDX-License-Identifier: Apache-2.0
// Any bytes as an ONNX model, beside a file "w" of 64 bytes for its external data.
#include <array>

#include "formats/onnx_source.h"
#include "memory_folder.h"
#include "model_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const dcf::fuzz::MemoryFolder folder;
  static const bool written = [] {
    std::array<uint8_t, 64> external{};
    for (size_t i = 0; i < external.size(); ++i) external[i] = static_cast<uint8_t>(i * i);
    folder.write("w", external);
    return true;
  }();
  static_cast<void>(written);
  folder.write("model.onnx", {data, size});
  dcf::fuzz::read_model([&](const dcf::tools::MemoryLimit& limit) {
    return dcf::tools::open_onnx_model(dcf::tools::InputFile(folder.file("model.onnx")), limit);
  });
  return 0;
}
