// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model.bin of CTranslate2.
#include "formats/ctranslate2_source.h"
#include "model_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const dcf::fuzz::MemoryFile file({data, size});
  dcf::fuzz::read_model([&](const dcf::tools::MemoryLimit& limit) {
    return dcf::tools::open_ctranslate2_model(dcf::tools::InputFile(file.path()), limit);
  });
  return 0;
}
