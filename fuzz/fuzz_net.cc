// SPDX-License-Identifier: Apache-2.0
// The JSON of the layers up to the first NUL byte, then the bytes of a .net file.
#include "formats/net_source.h"
#include "model_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto [layers, net] = dcf::fuzz::split_at_nul({data, size});
  const dcf::fuzz::MemoryFile layers_file(layers);
  const dcf::fuzz::MemoryFile net_file(net);
  dcf::fuzz::read_model([&](const dcf::tools::MemoryLimit& limit) {
    return dcf::tools::open_net_model(dcf::tools::InputFile(net_file.path()), layers_file.path(),
                                      limit);
  });
  return 0;
}
